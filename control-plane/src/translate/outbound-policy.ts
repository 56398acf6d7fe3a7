import { outboundMode } from "../model/mesh-config.js";
import type { OutboundMode } from "../model/sidecar.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { sidecarOf } from "./scope.js";

/** Whether a workload may call what is not in the mesh: as its Sidecar says, else as the mesh does. */
export function outboundModeOf(
  snapshot: Pick<Snapshot, "sidecars" | "meshConfigs" | "settings">,
  workload: Pick<Workload, "namespace" | "labels">,
): OutboundMode {
  return sidecarOf(snapshot, workload)?.outbound ?? outboundMode(snapshot.meshConfigs, snapshot.settings.rootNamespace);
}
