import type { MessageInitShape } from "@bufbuild/protobuf";
import type { VirtualHostSchema } from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import { RouteConfigurationSchema } from "../envoy-api/gen/envoy/config/route/v3/route_pb.js";
import type { HttpRoute } from "../model/http-route.js";
import type { Resource } from "../model/resource.js";
import { mayBeHttp, namesOf, type Service, type ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { CallerClass } from "./caller-class.js";
import { encodeResource } from "./encode.js";
import { attachedRules } from "./gateway-routes.js";
import { httpRoutes } from "./http-routes.js";
import { OUTBOUND_ROUTES } from "./names.js";
import { routesSite } from "./scope.js";
import { httpRulesFor, resolvedRules, ruledHosts } from "./virtual-services.js";

export type VirtualHostInit = MessageInitShape<typeof VirtualHostSchema>;

/** The port on which rules hold for hosts that no service has. */
export const PORT_WITHOUT_SERVICE = 80;

/** The largest body of a direct response that Envoy takes unless it is told another bound. */
const ENVOYS_BODY_BYTES = 4096;

/**
 * The routes of a sidecar's outbound listener, with all services that the caller may reach, in its scope or not: it is
 * clusters that are had on demand. `variant` is that of a selected ref.
 */
export function buildOutboundRoutes(snapshot: Snapshot, variant: string): Resource {
  const { caller, services } = routesSite(snapshot, variant);
  const ofServices = services.flatMap((service) =>
    httpPorts(service).flatMap((port) => virtualHosts(snapshot, service, port, caller)),
  );
  const ruled = virtualHostsWithoutService(snapshot, caller, true);
  const all = withUniqueDomains([...ofServices, ...ruled, unknownHost()]);
  return encodeResource("routes", OUTBOUND_ROUTES, RouteConfigurationSchema, {
    name: OUTBOUND_ROUTES,
    virtualHosts: all,
    validateClusters: false,
    ignorePortInHostMatching: false,
    ...bodyBound(all),
  });
}

function httpPorts(service: Service): readonly ServicePort[] {
  return service.ports.filter((port) => mayBeHttp(port.protocol));
}

/** The names that callers have for a service's port where one listener gets the requests for all ports. */
function domainsOf(service: Service, port: ServicePort, caller: CallerClass): string[] {
  // A request without a port means port 80, or the only one there is.
  const portless = port.port === 80 || httpPorts(service).length === 1;
  return namesOf(service, caller.namespace).flatMap((name) =>
    portless ? [name, `${name}:${port.port}`] : [`${name}:${port.port}`],
  );
}

/** A port of a service, under these domains. */
export function virtualHosts(
  snapshot: Snapshot,
  service: Service,
  port: ServicePort,
  caller: CallerClass,
  domains: string[] = domainsOf(service, port, caller),
): VirtualHostInit[] {
  const routes = serviceRoutes(snapshot, service, port, caller);
  return [{ name: `${service.host}:${port.port}`, domains, routes, includeRequestAttemptCount: true }];
}

/**
 * Routes of Gateway API go before VirtualServices. The service itself answers where no rule is for these callers; where
 * some are, they say all there is.
 */
function serviceRoutes(snapshot: Snapshot, service: Service, port: ServicePort, caller: CallerClass) {
  const site = { name: service.name, port, caller };
  const attached = attachedRules(snapshot, service, port, caller.namespace);
  if (attached !== undefined) return httpRoutes(snapshot, attached, site);
  const rules = httpRulesFor(snapshot, service.host, caller.namespace) ?? [];
  const routes = httpRoutes(snapshot, rules, site);
  if (routes.length > 0) return routes;
  const plain: HttpRoute = {
    name: `${service.name}-default`,
    matches: [],
    action: { kind: "forward", destinations: [{ host: service.host, port: port.port, weight: 100 }] },
  };
  return httpRoutes(snapshot, [plain], site);
}

/**
 * Rules may name hosts that no service has: requests to port 80 of such a host follow them. Domains have the port only
 * where that is looked at.
 */
export function virtualHostsWithoutService(
  snapshot: Snapshot,
  caller: CallerClass,
  hasPorts: boolean,
): VirtualHostInit[] {
  const hosts = [...snapshot.services.keys()];
  const port = { port: PORT_WITHOUT_SERVICE };
  return ruledHosts(snapshot, caller.namespace).flatMap(([host, virtualService]) => {
    const served = host.startsWith("*") ? hosts.some((h) => h.endsWith(host.slice(1))) : snapshot.services.has(host);
    if (served) return [];
    const rules = resolvedRules(snapshot.virtualServices).get(virtualService) ?? [];
    const routes = httpRoutes(snapshot, rules, { name: virtualService.name, port, caller });
    if (routes.length === 0) return [];
    const names = host.startsWith("*") ? [host] : namesOfHost(host, caller.namespace);
    const domains = names.flatMap((name) =>
      name.startsWith("*") || !hasPorts ? [name] : [name, `${name}:${port.port}`],
    );
    return [{ name: `${host}:${port.port}`, domains, routes, includeRequestAttemptCount: true }];
  });
}

/** A name that a Service could have is known by its short forms too. */
function namesOfHost(host: string, namespace: string): readonly string[] {
  const [name = "", own = ""] = host.split(".");
  return namesOf({ host, name, namespace: own }, namespace);
}

/** Envoy refuses a domain that stands twice; the first has it. */
export function withUniqueDomains(virtualHosts: readonly VirtualHostInit[]): VirtualHostInit[] {
  const taken = new Set<string>();
  return virtualHosts.flatMap((virtualHost) => {
    const domains = (virtualHost.domains ?? []).filter((domain) => !taken.has(domain) && taken.add(domain));
    return domains.length === 0 ? [] : [{ ...virtualHost, domains }];
  });
}

/** How large bodies of direct responses may be, where they are larger than Envoy takes by itself. */
export function bodyBound(virtualHosts: readonly VirtualHostInit[]): { maxDirectResponseBodySizeBytes?: number } {
  let largest = 0;
  for (const { routes = [] } of virtualHosts)
    for (const { action } of routes) {
      const specifier = action?.case === "directResponse" ? action.value.body?.specifier : undefined;
      if (specifier?.case === "inlineString") largest = Math.max(largest, Buffer.byteLength(specifier.value));
      if (specifier?.case === "inlineBytes") largest = Math.max(largest, specifier.value.length);
    }
  return largest > ENVOYS_BODY_BYTES ? { maxDirectResponseBodySizeBytes: largest } : {};
}

/** Without interception there is no original address to pass an unknown host on to. */
function unknownHost(): VirtualHostInit {
  return {
    name: "unknown-host",
    domains: ["*"],
    routes: [
      {
        name: "unknown-host",
        match: { pathSpecifier: { case: "prefix", value: "/" } },
        action: {
          case: "directResponse",
          value: { status: 404, body: { specifier: { case: "inlineString", value: "no such host in the mesh\n" } } },
        },
      },
    ],
  };
}
