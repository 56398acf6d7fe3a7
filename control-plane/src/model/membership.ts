import { sortedEntries } from "./compare.js";
import { memoByIdentity } from "./memo.js";
import { matchesLabels } from "./selector.js";
import type { Service } from "./service.js";
import type { Snapshot } from "./snapshot.js";
import type { Workload } from "./workload.js";

const workloadsByNamespace = memoByIdentity((workloads: Snapshot["workloads"]) => {
  const byNamespace = new Map<string, Workload[]>();
  for (const [, workload] of sortedEntries(workloads)) {
    const list = byNamespace.get(workload.namespace);
    if (list === undefined) byNamespace.set(workload.namespace, [workload]);
    else list.push(workload);
  }
  return byNamespace;
});

/** The workloads behind a service, in the order of their names. A service without selector has none. */
export function workloadsOf(snapshot: Pick<Snapshot, "workloads">, service: Service): readonly Workload[] {
  if (Object.keys(service.selector).length === 0) return [];
  const candidates = workloadsByNamespace(snapshot.workloads).get(service.namespace) ?? [];
  return candidates.filter((workload) => matchesLabels(service.selector, workload.labels));
}

const servicesByNamespace = memoByIdentity((services: Snapshot["services"]) => {
  const byNamespace = new Map<string, Service[]>();
  for (const [, service] of sortedEntries(services)) {
    const list = byNamespace.get(service.namespace);
    if (list === undefined) byNamespace.set(service.namespace, [service]);
    else list.push(service);
  }
  return byNamespace;
});

/** The services that a workload stands behind, in the order of their hosts. */
export function servicesOf(snapshot: Pick<Snapshot, "services">, workload: Workload): readonly Service[] {
  return (servicesByNamespace(snapshot.services).get(workload.namespace) ?? []).filter(
    (service) => Object.keys(service.selector).length > 0 && matchesLabels(service.selector, workload.labels),
  );
}
