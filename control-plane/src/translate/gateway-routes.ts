import {
  compareRoutes,
  type GatewayRoute,
  type GatewayRule,
  parentPorts,
  resolveBackend,
} from "../model/gateway-route.js";
import type { Destination, HttpAction, HttpMatch, HttpRoute, Mirror, UriMatch } from "../model/http-route.js";
import { memoByIdentity } from "../model/memo.js";
import { routeId } from "../model/route-slots.js";
import { type Service, type ServicePort, serviceHost } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import { routeSlotsOf } from "./route-slots.js";

type RouteSnapshot = Pick<Snapshot, "httpRoutes" | "grpcRoutes" | "services" | "referenceGrants" | "plugins">;

/**
 * The rules of the HTTPRoutes and GRPCRoutes that are attached to a Service, for callers of a namespace; undefined where
 * none is. Routes of the caller's own namespace, where that is not the Service's, are the only ones that its callers
 * follow: https://gateway-api.sigs.k8s.io/geps/gep-1426/
 * A request that none of the rules takes has no route.
 */
export function attachedRules(
  snapshot: RouteSnapshot,
  service: Service,
  { port }: Pick<ServicePort, "port">,
  callerNamespace: string,
): readonly HttpRoute[] | undefined {
  const inForce = routesInForce(snapshot, service, port, callerNamespace);
  if (inForce.length === 0) return undefined;
  return inForce
    .flatMap((route) => route.rules.flatMap((rule, index) => singleMatches(snapshot, route, rule, index)))
    .sort(({ matches: [a] }, { matches: [b] }) => comparePrecedence(a, b));
}

/** The routes that callers of a namespace follow to a port of a Service. */
export function routesInForce(
  snapshot: Pick<Snapshot, "httpRoutes" | "grpcRoutes">,
  service: Service,
  port: number,
  callerNamespace: string,
): readonly GatewayRoute[] {
  const attached = routesOfHost(snapshot, service.host).filter((route) => isAttached(route, service, port));
  const consumers = attached.filter(
    ({ namespace }) => namespace === callerNamespace && namespace !== service.namespace,
  );
  const producers = attached.filter(({ namespace }) => namespace === service.namespace);
  return consumers.length > 0 ? consumers : producers;
}

/** Routes by the hosts of their parents, in the order in which they count. */
const hostsOf = memoByIdentity((routes: ReadonlyMap<string, GatewayRoute>) => {
  const byHost = new Map<string, GatewayRoute[]>();
  for (const route of [...routes.values()].sort(compareRoutes))
    for (const host of new Set(route.parents.map((parent) => serviceHost(parent.name, parent.namespace))))
      byHost.set(host, [...(byHost.get(host) ?? []), route]);
  return byHost;
});

function routesOfHost(
  { httpRoutes, grpcRoutes }: Pick<Snapshot, "httpRoutes" | "grpcRoutes">,
  host: string,
): GatewayRoute[] {
  const ofHttp = hostsOf(httpRoutes).get(host) ?? [];
  const ofGrpc = hostsOf(grpcRoutes).get(host) ?? [];
  return [...ofHttp, ...ofGrpc].sort(compareRoutes);
}

function isAttached({ parents }: GatewayRoute, service: Service, port: number): boolean {
  return parents.some(
    (parent) =>
      serviceHost(parent.name, parent.namespace) === service.host && parentPorts(parent, service).includes(port),
  );
}

/** Rules of one match each: their order is by match, across rules and routes. */
function singleMatches(snapshot: RouteSnapshot, route: GatewayRoute, rule: GatewayRule, index: number): HttpRoute[] {
  const { action, mirrors, name, ...rest } = rule;
  const routeName = `${route.namespace}.${route.name}.${name ?? index}`;
  const { slots, closed } = routeSlotsOf(snapshot);
  const pluginSlot = slots.get(routeId(route))?.slot;
  const resolved: HttpRoute = {
    ...rest,
    name: routeName,
    ...(pluginSlot !== undefined && { pluginSlot }),
    mirrors: mirrors.flatMap((mirror): Mirror[] => {
      const backend = resolveBackend(route, mirror, snapshot);
      // A copy that nobody gets is nobody's failure.
      return backend.kind === "missing"
        ? []
        : [{ host: backend.host, port: backend.port, percentage: mirror.percentage }];
    }),
    action: closed.has(routeId(route)) ? CLOSED : ruleAction(snapshot, route, action),
  };
  return rule.matches.map((match, position) => ({
    ...resolved,
    name: rule.matches.length === 1 ? routeName : `${routeName}.${position}`,
    matches: [match],
  }));
}

/** For a route whose guard has no place to run in. */
const CLOSED: HttpAction = {
  kind: "respond",
  response: { status: 403, body: { kind: "text", value: "no place for the plugin that guards this route\n" } },
};

function ruleAction(snapshot: RouteSnapshot, route: GatewayRoute, action: GatewayRule["action"]): HttpAction {
  if (action.kind === "redirect") return action;
  return { kind: "forward", destinations: destinations(snapshot, route, action) };
}

function destinations(
  snapshot: RouteSnapshot,
  route: GatewayRoute,
  { backends }: Extract<GatewayRule["action"], { kind: "forward" }>,
): Destination[] {
  return backends.map((backend): Destination => {
    const { weight, headers } = backend;
    const resolved = resolveBackend(route, backend, snapshot);
    const share = { weight, ...(headers !== undefined && { headers }) };
    if (resolved.kind === "service") return { host: resolved.host, port: resolved.port, ...share };
    return { host: serviceHost(backend.name, backend.namespace), missing: true, ...share };
  });
}

/**
 * Exact paths go before patterns, these before prefixes; the longer before the shorter; then who wants a method, more
 * headers, more parameters. What is equal stays in the order of the routes, and of the rules within one.
 * https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule
 */
function comparePrecedence(a: HttpMatch | undefined, b: HttpMatch | undefined): number {
  const weights = (match: HttpMatch | undefined): number[] => [
    pathRank(match?.uri),
    match?.uri?.value.length ?? 0,
    match?.method === undefined ? 0 : 1,
    match?.headers.length ?? 0,
    match?.queryParams.length ?? 0,
  ];
  const [ofA, ofB] = [weights(a), weights(b)];
  for (const [i, weight] of ofA.entries()) if (weight !== ofB[i]) return (ofB[i] ?? 0) - weight;
  return 0;
}

function pathRank(uri: UriMatch | undefined): number {
  if (uri?.kind === "exact") return 2;
  return uri?.kind === "regex" ? 1 : 0;
}
