import { compareStrings, sortedEntries } from "./compare.js";
import { compareRoutes, type GatewayRoute } from "./gateway-route.js";
import { objectKey } from "./object-ref.js";
import type { Plugin } from "./plugin.js";

/** How many different sets of plugins routes of the mesh can have. */
export const ROUTE_SLOTS = 4;

/** A route that a plugin names, of the plugin's own namespace. */
export interface RouteTarget {
  readonly kind: GatewayRoute["kind"];
  readonly name: string;
}

/** Which plugins run for which routes. The same for the whole mesh, so that callers share the bytes of their routes. */
export interface RouteSlots {
  /** The slots of the routes that have one, by `routeId`, in the order of the routes. */
  readonly slots: ReadonlyMap<string, { readonly slot: number; readonly route: GatewayRoute }>;
  /** By slot, the keys of its plugins, sorted. In which order they run is the versions' matter, which know their phase. */
  readonly plugins: readonly (readonly string[])[];
  /** By the key of a plugin, routes that it does not run for because all slots are taken. */
  readonly surplus: ReadonlyMap<string, readonly GatewayRoute[]>;
  /** Of these routes those that nobody may take, because one of the plugins guards; by `routeId`. */
  readonly closed: ReadonlySet<string>;
}

interface RoutePlugins {
  readonly plugins: ReadonlyMap<string, Plugin>;
  readonly httpRoutes: ReadonlyMap<string, GatewayRoute>;
  readonly grpcRoutes: ReadonlyMap<string, GatewayRoute>;
}

/** Tells a route from all others. */
export function routeId({ kind, namespace, name }: Pick<GatewayRoute, "kind" | "namespace" | "name">): string {
  return `${kind} ${namespace}/${name}`;
}

/** The route that a plugin's target means, or undefined where it is not there. */
export function targetRoute(
  { namespace }: Pick<Plugin, "namespace">,
  { kind, name }: RouteTarget,
  { httpRoutes, grpcRoutes }: Omit<RoutePlugins, "plugins">,
): GatewayRoute | undefined {
  return (kind === "HTTPRoute" ? httpRoutes : grpcRoutes).get(objectKey({ namespace, name }));
}

/**
 * Gives each set of plugins that routes have one of the slots. Older routes go first, so that a new one takes no slot
 * from them. The place to begin with follows from the oldest route of a set alone: another plugin for the same routes,
 * or other routes, leave it where it is, unless two sets want one place.
 */
export function routeSlots(objects: RoutePlugins): RouteSlots {
  const pluginsOf = new Map<GatewayRoute, string[]>();
  for (const [key, plugin] of sortedEntries(objects.plugins))
    for (const target of plugin.targetRoutes ?? []) {
      const route = targetRoute(plugin, target, objects);
      if (route !== undefined) pluginsOf.set(route, [...(pluginsOf.get(route) ?? []), key]);
    }

  const slots = new Map<string, { readonly slot: number; readonly route: GatewayRoute }>();
  const plugins: (readonly string[])[] = Array.from({ length: ROUTE_SLOTS }, () => []);
  const surplus = new Map<string, GatewayRoute[]>();
  const closed = new Set<string>();
  const slotOfSet = new Map<string, number>();
  for (const [route, keys] of [...pluginsOf].sort(([a], [b]) => compareRoutes(a, b))) {
    const set = keys.join();
    const slot = slotOfSet.get(set) ?? freeSlot(plugins, route);
    if (slot === undefined) {
      for (const key of keys) surplus.set(key, [...(surplus.get(key) ?? []), route]);
      if (keys.some((key) => guards(objects.plugins.get(key)))) closed.add(routeId(route));
      continue;
    }
    slotOfSet.set(set, slot);
    plugins[slot] = keys;
    slots.set(routeId(route), { slot, route });
  }
  return { slots, plugins, surplus, closed };
}

/** Whether a route must not be open without the plugin, as far as the object says; the version is not asked. */
function guards(plugin: Plugin | undefined): boolean {
  return plugin?.failStrategy === "FAIL_CLOSE" && (plugin.phase === "authn" || plugin.phase === "authz");
}

function freeSlot(taken: readonly (readonly string[])[], route: GatewayRoute): number | undefined {
  const first = placeOf(routeId(route));
  for (let i = 0; i < ROUTE_SLOTS; i++) {
    const slot = (first + i) % ROUTE_SLOTS;
    if (taken[slot]?.length === 0) return slot;
  }
  return undefined;
}

/** Any number that follows from the text and spreads well. */
function placeOf(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) >>> 0;
  return hash % ROUTE_SLOTS;
}

/** A total order of targets. */
export function compareTargets(a: RouteTarget, b: RouteTarget): number {
  return compareStrings(a.kind, b.kind) || compareStrings(a.name, b.name);
}
