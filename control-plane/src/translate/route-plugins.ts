import type { GatewayRoute } from "../model/gateway-route.js";
import { objectKey } from "../model/object-ref.js";
import type { Plugin } from "../model/plugin.js";
import { PHASES } from "../model/plugin-manifest.js";
import { mayBeHttp, serviceHost } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { callerVariant } from "./caller-class.js";
import { routesInForce } from "./gateway-routes.js";
import { byChainOrder, phaseOf, servedAt } from "./plugin-order.js";
import { routeSlotsOf } from "./route-slots.js";
import { reachesService, routesVariant, scopeOf } from "./scope.js";

/** What stands in a slot for routes of one caller, in the order in which it runs. */
export interface RouteSlot {
  readonly slot: number;
  readonly plugins: readonly Plugin[];
}

/** The slots for routes that a workload follows as a caller, in the order of their numbers; the others stay empty. */
export function routeSlotsFor(snapshot: Snapshot, workload: Workload): readonly RouteSlot[] {
  return calledSlots(snapshot, workload).map((slot) => {
    const found = (routeSlotsOf(snapshot).plugins[slot] ?? []).flatMap((key) => {
      const plugin = snapshot.plugins.get(key);
      if (plugin === undefined) return [];
      const served = servedAt(snapshot, plugin, workload);
      return served?.manifest.side === "server" ? [] : [{ plugin, phase: phaseOf(plugin, served) }];
    });
    found.sort((a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) || byChainOrder(a.plugin, b.plugin));
    return { slot, plugins: found.map(({ plugin }) => plugin) };
  });
}

/** The slots that a caller needs, each with its plugins, as a text that is equal for equal ones. */
export function calledSlotsText(snapshot: Snapshot, workload: Workload): string {
  const { plugins } = routeSlotsOf(snapshot);
  return calledSlots(snapshot, workload)
    .map((slot) => `${slot}:${plugins[slot]?.join()}`)
    .join(" ");
}

/** Whether a caller follows a route that the plugin runs for. */
export function runsOnRoutesOf(snapshot: Snapshot, workload: Workload, plugin: Plugin): boolean {
  if (plugin.targetRoutes === undefined) return false;
  const { plugins } = routeSlotsOf(snapshot);
  return calledSlots(snapshot, workload).some((slot) => plugins[slot]?.includes(objectKey(plugin)));
}

/** In the order of their numbers. */
function calledSlots(snapshot: Snapshot, workload: Workload): readonly number[] {
  const { slots } = routeSlotsOf(snapshot);
  if (slots.size === 0 || !workload.hasSidecar) return [];
  const variant = routesVariant(callerVariant(snapshot, workload), scopeOf(snapshot, workload));
  const called = new Set<number>();
  for (const { slot, route } of slots.values())
    if (!called.has(slot) && isFollowed(snapshot, route, workload.namespace, variant)) called.add(slot);
  return [...called].sort((a, b) => a - b);
}

function isFollowed(snapshot: Snapshot, route: GatewayRoute, caller: string, variant: string): boolean {
  return route.parents.some((parent) => {
    const service = snapshot.services.get(serviceHost(parent.name, parent.namespace));
    if (service === undefined || !reachesService(snapshot, variant, service)) return false;
    return service.ports.some(
      (port) => mayBeHttp(port.protocol) && routesInForce(snapshot, service, port.port, caller).includes(route),
    );
  });
}
