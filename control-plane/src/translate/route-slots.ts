import { type RouteSlots, routeSlots } from "../model/route-slots.js";
import type { Snapshot } from "../model/snapshot.js";

interface Remembered {
  readonly httpRoutes: unknown;
  readonly grpcRoutes: unknown;
  readonly slots: RouteSlots;
}

const remembered = new WeakMap<Snapshot["plugins"], Remembered>();

/** Which plugins run for which routes. Remembered, because every route and every proxy asks. */
export function routeSlotsOf(snapshot: Pick<Snapshot, "plugins" | "httpRoutes" | "grpcRoutes">): RouteSlots {
  const { plugins, httpRoutes, grpcRoutes } = snapshot;
  const known = remembered.get(plugins);
  if (known?.httpRoutes === httpRoutes && known.grpcRoutes === grpcRoutes) return known.slots;
  const slots = routeSlots(snapshot);
  remembered.set(plugins, { httpRoutes, grpcRoutes, slots });
  return slots;
}
