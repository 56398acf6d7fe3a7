import { servicesOf } from "../model/membership.js";
import type { Service, ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { inboundPort } from "../model/workload-ports.js";

/** Where a workload is called for a port of a service. */
export interface InboundSite {
  readonly workload: Workload;
  readonly service: Service;
  readonly port: ServicePort;
}

/**
 * On which ports a workload is called, in the order of the services' hosts. Two services on one port of one workload
 * share it; the first by host defines it.
 */
export function inboundSites(snapshot: Pick<Snapshot, "services">, workload: Workload): readonly InboundSite[] {
  const sites = new Map<number, InboundSite>();
  for (const service of servicesOf(snapshot, workload))
    for (const port of service.ports) {
      const called = inboundPort(workload, port);
      if (!sites.has(called)) sites.set(called, { workload, service, port });
    }
  return [...sites.values()];
}

/** The services for which a workload is called on a port. */
export function servicesAt(
  snapshot: Pick<Snapshot, "services">,
  workload: Workload,
  called: number,
): readonly Service[] {
  return servicesOf(snapshot, workload).filter(({ ports }) =>
    ports.some((port) => inboundPort(workload, port) === called),
  );
}
