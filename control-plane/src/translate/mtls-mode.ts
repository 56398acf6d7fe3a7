import { type MtlsMode, mtlsModeFor, type PeerAuthentication } from "../model/peer-authentication.js";
import type { ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { appPort } from "../model/workload-ports.js";
import { policiesByNamespace } from "./mesh-index.js";

/** The mode in force where a workload is called for a Service's port: policies name the port that the workload has. */
export function mtlsModeAt(snapshot: Snapshot, workload: Workload, port: ServicePort): MtlsMode {
  return mtlsModeOfPort(snapshot, workload, appPort(workload, port));
}

/** The mode in force on a port of a workload, whether or not a Service names it. */
export function mtlsModeOfPort(snapshot: Snapshot, workload: Workload, port: number): MtlsMode {
  return mtlsModeFor(workload, port, policiesNear(snapshot, workload), snapshot.settings.rootNamespace);
}

/** The ports of which the policies near a workload speak, in order. */
export function portsOfPolicies(snapshot: Snapshot, workload: Workload): readonly number[] {
  const ports = policiesNear(snapshot, workload).flatMap((policy) => Object.keys(policy.ports ?? {}).map(Number));
  return [...new Set(ports)].sort((a, b) => a - b);
}

function policiesNear({ settings, peerAuthentications }: Snapshot, { namespace }: Workload): PeerAuthentication[] {
  const inNamespace = policiesByNamespace(peerAuthentications);
  return [...new Set([namespace, settings.rootNamespace])].flatMap((each) => inNamespace.get(each) ?? []);
}
