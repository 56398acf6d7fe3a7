import type { AppProbe } from "./app-probe.js";

/** Header of what the kubelet asks the sidecar, with the pod's token: others in the cluster reach the same ports. */
export const KUBELET_HEADER = "x-weft-kubelet";

/** Path of the drain, at `DRAIN_PORT`. */
export const DRAIN_PATH = "/drain";

/** What the kubelet may ask of one pod's sidecar. */
export interface KubeletAccess {
  /** Random, made by whoever injects; it stands in the pod's spec. */
  readonly token: string;
  readonly probes: readonly AppProbe[];
}
