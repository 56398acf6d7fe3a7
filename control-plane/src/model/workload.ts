import type { Labels } from "./selector.js";

/** One running instance of an app: a WorkloadEntry, later a Pod. */
export interface Workload {
  readonly namespace: string;
  readonly name: string;
  /** IPv4 address at which its proxy is reached. */
  readonly address: string;
  readonly labels: Labels;
  readonly serviceAccount: string;
  /** Port name → the app's port. */
  readonly ports: Readonly<Record<string, number>>;
  /** Share of the traffic among the instances of one service; 1 when not said. */
  readonly weight: number;
  /** Whether a sidecar runs beside it. */
  readonly hasSidecar: boolean;
  /** Standalone: the command that starts the app, from the annotation `weft.mesh/run`. */
  readonly run?: string;
}
