import { type MtlsMode, mtlsModeFor } from "../model/peer-authentication.js";
import type { ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { policiesByNamespace } from "./mesh-index.js";
import { appPort } from "./workload-ports.js";

/** The mode in force where a workload is called for a Service's port: policies name the port that the workload has. */
export function mtlsModeAt(snapshot: Snapshot, workload: Workload, port: ServicePort): MtlsMode {
  const { rootNamespace } = snapshot.settings;
  const inNamespace = policiesByNamespace(snapshot.peerAuthentications);
  const policies = [workload.namespace, ...(workload.namespace === rootNamespace ? [] : [rootNamespace])].flatMap(
    (namespace) => inNamespace.get(namespace) ?? [],
  );
  return mtlsModeFor(workload, appPort(workload, port), policies, rootNamespace);
}
