import type { Leaving, ServedPort } from "../model/handover.js";
import { servedPorts } from "../model/membership.js";
import { objectKey } from "../model/object-ref.js";
import type { Service } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { inboundPort } from "../model/workload-ports.js";

/** Where a workload is called for a port of a service. */
export interface InboundSite extends ServedPort {
  /** Of a port that the workload has left, and for which callers may still come: the workload as it is now. */
  readonly now?: Workload;
}

type Serving = Pick<Snapshot, "services" | "handovers">;

/**
 * On which ports a workload is called, in the order of the services' hosts, and then those that it has left while callers
 * may still come. Two services on one port of one workload share it; the first by host defines it.
 */
export function inboundSites(snapshot: Serving, workload: Workload): readonly InboundSite[] {
  const sites = new Map<number, InboundSite>();
  for (const site of [...servedPorts(snapshot, workload), ...leftSites(snapshot, workload, isListening)]) {
    const called = inboundPort(site.workload, site.port);
    if (!sites.has(called)) sites.set(called, site);
  }
  return [...sites.values()];
}

/** The ports of which a sidecar has the app's cluster: also of a service that does not define its port, and of what drains. */
export function appSites(snapshot: Serving, workload: Workload): readonly InboundSite[] {
  const sites = new Map<string, InboundSite>();
  for (const site of [...servedPorts(snapshot, workload), ...leftSites(snapshot, workload, () => true)]) {
    const id = `${inboundPort(site.workload, site.port)} ${site.service.host}`;
    if (!sites.has(id)) sites.set(id, site);
  }
  return [...sites.values()];
}

const isListening = ({ phase }: Leaving) => phase !== "draining";

function leftSites(
  { handovers }: Serving,
  now: Workload,
  isWanted: (left: Leaving) => boolean,
): readonly InboundSite[] {
  const leaving = handovers.get(objectKey(now))?.leaving ?? [];
  // The newest first: it is closest to what callers have.
  return leaving
    .filter((left) => isWanted(left) && left.workload.interception === now.interception)
    .map(({ workload, service, port }) => ({ workload, service, port, now }))
    .reverse();
}

/** The services for which a workload is called on a port. */
export function servicesAt(snapshot: Serving, workload: Workload, called: number): readonly Service[] {
  const sites = [...servedPorts(snapshot, workload), ...leftSites(snapshot, workload, isListening)];
  return [...new Set(sites.flatMap(({ service, port }) => (inboundPort(workload, port) === called ? service : [])))];
}
