import type { Labels } from "./selector.js";

/** One running instance of an app: a WorkloadEntry or a Pod. */
export interface Workload {
  readonly namespace: string;
  readonly name: string;
  /** Of a Pod: no later pod of this name has the same. */
  readonly uid?: string;
  /** IP address at which its proxy is reached. */
  readonly address: string;
  readonly labels: Labels;
  readonly serviceAccount: string;
  /** Port name → the app's port: of 127.0.0.1 without interception, else of the workload's own address. */
  readonly ports: Readonly<Record<string, number>>;
  /** Share of the traffic among the instances of one service; 1 when not said. */
  readonly weight: number;
  /** `region/zone/subzone` where it runs, of which the later parts may be missing. */
  readonly locality?: string;
  /** Whether a sidecar runs beside it. */
  readonly hasSidecar: boolean;
  /**
   * How traffic comes to the sidecar. `none`: the sidecar listens at the workload's address, and the app sends to it.
   * `redirect`: the workload is a network namespace of its own, whose rules send what leaves to port 15001 and what
   * arrives to port 15006, and neither side knows.
   */
  readonly interception: "none" | "redirect";
  /** With `redirect`: whether the rules send DNS questions to the sidecar, port 15053, so that it knows the mesh's names. */
  readonly capturesDns: boolean;
  /** Standalone: the command that starts the app, from the annotation `weft.mesh/run`. */
  readonly run?: string;
  /** Of a Pod; absent for a WorkloadEntry. */
  readonly pod?: {
    /** Name → number of the ports that its containers declare. */
    readonly ports: Readonly<Record<string, number>>;
    readonly node: string;
  };
}

/** The kind of object that a workload is written down in. */
export function workloadKind({ pod }: Pick<Workload, "pod">): "Pod" | "WorkloadEntry" {
  return pod === undefined ? "WorkloadEntry" : "Pod";
}
