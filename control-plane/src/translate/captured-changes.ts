import { coversHost } from "../model/destination-rule.js";
import { memoByIdentity } from "../model/memo.js";
import { objectKey } from "../model/object-ref.js";
import { mayBeHttp } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { VirtualService } from "../model/virtual-service.js";
import { hasHeadless, type OutboundSite, outboundSitesOf } from "./outbound-sites.js";

/** Whether any workload's traffic is intercepted. Without, nothing here costs anything. */
export const hasCaptured = memoByIdentity((workloads: Snapshot["workloads"]): boolean =>
  [...workloads.values()].some(({ interception }) => interception === "redirect"),
);

/** The ports that have routes of their own with interception. */
export const portsWithRoutes = memoByIdentity(
  (services: Snapshot["services"]): ReadonlySet<number> =>
    new Set(
      [...services.values()].flatMap(({ ports }) =>
        ports.flatMap(({ port, protocol }) => (mayBeHttp(protocol) ? [port] : [])),
      ),
    ),
);

/**
 * The names of the listeners for sites that are called otherwise than before, whoever calls. A caller sees a part of the
 * sites of the mesh; what changed for one caller changed in the mesh.
 */
export function* changedSites(prev: Snapshot, next: Snapshot): Iterable<string> {
  const ruled = changedRules(prev, next);
  if (ruled.length === 0 && !sitesMayDiffer(prev, next)) return;
  const before = outboundSitesOf(prev);
  const after = outboundSitesOf(next);
  for (const [name, site] of before) {
    const isRuled = site.called.some(({ service }) => ruled.some((pattern) => matchesHost(pattern, service.host)));
    if (isRuled || !isSame(site, after.get(name))) yield name;
  }
  for (const name of after.keys()) if (!before.has(name)) yield name;
}

function sitesMayDiffer(prev: Snapshot, next: Snapshot): boolean {
  if (prev.services !== next.services) return true;
  const isSame = prev.workloads === next.workloads && prev.endpointSlices === next.endpointSlices;
  return !isSame && hasHeadless(next.services);
}

function isSame(before: OutboundSite, after: OutboundSite | undefined): boolean {
  if (after === undefined || before.called.length !== after.called.length) return false;
  return before.called.every(({ service }, index) => service === after.called[index]?.service);
}

/** The hosts of rules that changed, and of VirtualServices that lead connections to what changed. */
function changedRules(prev: Snapshot, next: Snapshot): readonly string[] {
  return [...changedDestinations(prev, next), ...changedVirtualServices(prev, next)];
}

/** Of DestinationRules, which say how long connections may last. */
function changedDestinations(prev: Snapshot, next: Snapshot): readonly string[] {
  if (prev.destinationRules === next.destinationRules) return [];
  const keys = new Set([...prev.destinationRules.keys(), ...next.destinationRules.keys()]);
  const hosts = [...keys].flatMap((key) => {
    const [before, after] = [prev.destinationRules.get(key), next.destinationRules.get(key)];
    return before === after ? [] : [before, after].flatMap((rule) => rule?.host ?? []);
  });
  const leading = [...prev.virtualServices.values(), ...next.virtualServices.values()].filter(({ tcp, tls }) =>
    [...tcp, ...tls].some(({ destinations }) =>
      destinations.some(({ host }) => hosts.some((pattern) => coversHost(pattern, host))),
    ),
  );
  return [...hosts, ...leading.flatMap(({ hosts }) => hosts)];
}

function changedVirtualServices(prev: Snapshot, next: Snapshot): readonly string[] {
  if (prev.virtualServices === next.virtualServices && prev.services === next.services) return [];
  const all = new Set([...prev.virtualServices.values(), ...next.virtualServices.values()]);
  return [...all].flatMap((virtualService) => {
    const key = objectKey(virtualService);
    const changed = prev.virtualServices.get(key) !== next.virtualServices.get(key);
    return changed || leadsElsewhere(virtualService, prev, next) ? virtualService.hosts : [];
  });
}

function leadsElsewhere({ tcp, tls }: VirtualService, prev: Snapshot, next: Snapshot): boolean {
  if (prev.services === next.services) return false;
  return [...tcp, ...tls].some(({ destinations }) =>
    destinations.some(({ host }) => prev.services.get(host) !== next.services.get(host)),
  );
}

function matchesHost(pattern: string, host: string): boolean {
  return pattern.startsWith("*") ? host.endsWith(pattern.slice(1)) : pattern === host;
}

/** The names of sites where a caller's Sidecar can leave some of several services: what stands there depends on it. */
export function* sitesOfSeveral(...snapshots: readonly Snapshot[]): Iterable<string> {
  for (const snapshot of snapshots)
    for (const { name, called } of outboundSitesOf(snapshot).values()) if (called.length > 1) yield name;
}
