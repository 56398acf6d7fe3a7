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
  const shared = new Set<Service>();
  const inNamespace = servicesByNamespace(services);
  for (const [key, workload] of sortedEntries(workloads)) {
    if (!workload.hasSidecar || workload.interception !== "none") continue;
    const own = (inNamespace.get(workload.namespace) ?? []).filter((s) => matchesLabels(s.selector, workload.labels));
    for (const service of own) {
      if (shared.has(service)) continue;
      const problem = sharedServicePort(service, own, key);
      if (problem === undefined) continue;
      shared.add(service);
      problems.push(problem);
    }
    for (const [name, port] of appPorts(workload, own)) {
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

/** Those with a selector, in the order of their hosts. */
function servicesByNamespace(services: ReadonlyMap<string, Service>): ReadonlyMap<string, readonly Service[]> {
  const grouped = new Map<string, Service[]>();
  for (const [, service] of sortedEntries(services)) {
    if (Object.keys(service.selector).length === 0) continue;
    const group = grouped.get(service.namespace);
    if (group === undefined) grouped.set(service.namespace, [service]);
    else group.push(service);
  }
  return grouped;
}

/** A sidecar has one listener for a port, and the first service by host says what is behind it. */
function sharedServicePort(service: Service, own: readonly Service[], workload: string): Diagnostic | undefined {
  for (const earlier of own) {
    if (earlier === service) return undefined;
    const taken = service.ports.find(({ port }) => earlier.ports.some((other) => other.port === port));
    if (taken === undefined) continue;
    return {
      severity: "warning",
      object: { kind: "Service", namespace: service.namespace, name: service.name },
      field: "spec.ports",
      reason: "ServicePortTaken",
      message: `port ${taken.port} of WorkloadEntry ${workload} is Service ${earlier.name}'s too, and what answers is what that one says`,
      hint: "give one of the two another port, or another selector",
    };
  }
  return undefined;
}

/** Where the app listens, by port name: what the workload says, else what the services before it say. */
function appPorts(workload: Workload, services: readonly Service[]): [name: string, port: number][] {
  const ports = new Map<string, number>();
  for (const service of services)
    for (const { name, targetPort } of service.ports) if (!ports.has(name)) ports.set(name, targetPort);
  for (const [name, port] of Object.entries(workload.ports)) ports.set(name, port);
  return sortedEntries(ports);
}
