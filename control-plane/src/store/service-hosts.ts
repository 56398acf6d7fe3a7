import { sortedEntries } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { Service } from "../model/service.js";
import type { ServiceEntry } from "../model/service-entry.js";

type Services = ReadonlyMap<string, Service>;
type ServiceEntries = ReadonlyMap<string, ServiceEntry>;

/**
 * Who has a host: the core/v1 Service of that name, else the first ServiceEntry by key. The very map that was there
 * before where nothing is different.
 */
export function mergeServices(before: Services, services: Services, entries: ServiceEntries): Services {
  const merged = new Map(services);
  for (const [, entry] of sortedEntries(entries))
    for (const service of entry.services) if (!merged.has(service.host)) merged.set(service.host, service);
  const same = merged.size === before.size && [...merged].every(([host, service]) => before.get(host) === service);
  return same ? before : merged;
}

/** Hosts of ServiceEntries that somebody else has. */
export function checkServiceHosts(services: Services, entries: ServiceEntries): Diagnostic[] {
  const owners = new Map<string, string>();
  const problems: Diagnostic[] = [];
  for (const [key, { namespace, name, services: own }] of sortedEntries(entries))
    own.forEach(({ host }, index) => {
      const service = services.get(host);
      const owner = service === undefined ? owners.get(host) : `Service ${service.namespace}/${service.name}`;
      if (owner === undefined) {
        owners.set(host, `ServiceEntry ${key}`);
        return;
      }
      problems.push({
        severity: "warning",
        object: { kind: "ServiceEntry", namespace, name },
        field: `spec.hosts[${index}]`,
        reason: "HostTaken",
        message: `${host} is already defined by ${owner}, which stays in force`,
        hint: "remove the host here, or the other object",
      });
    });
  return problems;
}
