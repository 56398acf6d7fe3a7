import type { Workload } from "./workload.js";

/** A Pod: what the mesh has of it, and what the mesh must ask of others for it. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  /** Node that it runs on; "" while none has been chosen. */
  readonly node: string;
  /** Absent before it has an address, and once it has finished. */
  readonly workload?: Workload;
}

/** A Node: where its pods are. */
export interface Node {
  /** Nodes are in none. */
  readonly namespace: "";
  readonly name: string;
  /** `region/zone`, of which the latter may be missing. */
  readonly locality?: string;
}
