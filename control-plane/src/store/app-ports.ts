import { sortedEntries } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { matchesLabels } from "../model/selector.js";
import type { Service } from "../model/service.js";
import type { Workload } from "../model/workload.js";

/**
 * Apps of workloads without interception share 127.0.0.1, so a port belongs to one of them. An app without sidecar is
 * called at its own address.
 */
export function checkAppPorts(
  workloads: ReadonlyMap<string, Workload>,
  services: ReadonlyMap<string, Service>,
): Diagnostic[] {
  const owners = new Map<number, string>();
  const problems: Diagnostic[] = [];
  for (const [key, workload] of sortedEntries(workloads)) {
    if (!workload.hasSidecar) continue;
    for (const [name, port] of appPorts(workload, services)) {
      const owner = owners.get(port);
      if (owner === undefined) owners.set(port, key);
      else if (owner !== key)
        problems.push({
          severity: "warning",
          object: { kind: "WorkloadEntry", namespace: workload.namespace, name: workload.name },
          field: `spec.ports.${name}`,
          reason: "PortTaken",
          message: `port ${port} of 127.0.0.1 is claimed by WorkloadEntry ${owner} too`,
          hint: "give each workload's app a port of its own",
        });
    }
  }
  return problems;
}

/** Where the app listens, by port name: what the workload says, else what the services before it say. */
function appPorts(workload: Workload, services: ReadonlyMap<string, Service>): [name: string, port: number][] {
  const ports = new Map<string, number>();
  for (const [, service] of sortedEntries(services)) {
    if (service.namespace !== workload.namespace || Object.keys(service.selector).length === 0) continue;
    if (!matchesLabels(service.selector, workload.labels)) continue;
    for (const { name, targetPort } of service.ports) if (!ports.has(name)) ports.set(name, targetPort);
  }
  for (const [name, port] of Object.entries(workload.ports)) ports.set(name, port);
  return sortedEntries(ports);
}
