import type { Workload } from "./workload.js";

/** A sidecar as the control plane knows it: from its authenticated identity, never from what it claims of itself. */
export interface Proxy {
  /** `<namespace>/<workload name>`. */
  readonly key: string;
  readonly workload: Workload;
}
