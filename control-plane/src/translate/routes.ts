import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  HeaderMatcherSchema,
  RouteActionSchema,
  RouteMatchSchema,
  RouteSchema,
  VirtualHostSchema,
} from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import { RouteConfigurationSchema } from "../envoy-api/gen/envoy/config/route/v3/route_pb.js";
import type { StringMatcherSchema } from "../envoy-api/gen/envoy/type/matcher/v3/string_pb.js";
import type { Destination, HttpMatch, HttpRoute, UriMatch } from "../model/http-route.js";
import type { Resource } from "../model/resource.js";
import { mayBeHttp, namesOf, type Service, type ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { StringMatch } from "../model/string-match.js";
import { destinationsOf } from "../model/virtual-service.js";
import { milliseconds } from "./duration.js";
import { encodeResource } from "./encode.js";
import { requirements, subsetsOf, virtualServiceFor } from "./mesh-index.js";
import { OUTBOUND_ROUTES, outboundCluster, SUBSET_FILTER_STATE } from "./names.js";
import { routeRetries } from "./retry-policy.js";
import { routesSite } from "./scope.js";

type RouteInit = MessageInitShape<typeof RouteSchema>;
type VirtualHostInit = MessageInitShape<typeof VirtualHostSchema>;
type MatchParts = {
  readonly pathSpecifier: NonNullable<MessageInitShape<typeof RouteMatchSchema>["pathSpecifier"]>;
  readonly headers: MessageInitShape<typeof HeaderMatcherSchema>[];
};

/** A route without rules: everything to the service that was called. */
const PLAIN: Pick<HttpRoute, "matches"> = { matches: [] };

/**
 * The routes of a sidecar's outbound listener, with all services that the caller may reach, in its scope or not: it is
 * clusters that are had on demand. `variant` is that of a selected ref.
 */
export function buildOutboundRoutes(snapshot: Snapshot, variant: string): Resource {
  const { namespace, services } = routesSite(snapshot, variant);
  const virtualHosts = services.flatMap((service) =>
    httpPorts(service).map((port) => virtualHost(snapshot, service, port, namespace)),
  );
  return encodeResource("routes", OUTBOUND_ROUTES, RouteConfigurationSchema, {
    name: OUTBOUND_ROUTES,
    virtualHosts: [...virtualHosts, unknownHost()],
    validateClusters: false,
    ignorePortInHostMatching: false,
  });
}

function httpPorts(service: Service): readonly ServicePort[] {
  return service.ports.filter((port) => mayBeHttp(port.protocol));
}

function virtualHost(snapshot: Snapshot, service: Service, port: ServicePort, namespace: string): VirtualHostInit {
  const names = namesOf(service, namespace);
  // A request without a port means port 80, or the only one there is.
  const portless = port.port === 80 || httpPorts(service).length === 1;
  return {
    name: `${service.host}:${port.port}`,
    domains: names.flatMap((name) => (portless ? [name, `${name}:${port.port}`] : [`${name}:${port.port}`])),
    routes: serviceRoutes(snapshot, service, port),
    includeRequestAttemptCount: true,
  };
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

function serviceRoutes(snapshot: Snapshot, service: Service, port: ServicePort): RouteInit[] {
  const rules = virtualServiceFor(snapshot, service.host)?.http ?? [];
  const routes = rules.flatMap((rule, index) => {
    const name = rule.name ?? `${service.name}-${index}`;
    return ruleRoutes(snapshot, rule, destinationsOf(rule), port, name);
  });
  // A rule without a match takes everything; only where there is none does the service itself answer.
  if (rules.some((rule) => rule.matches.length === 0)) return routes;
  const plain: Destination = { host: service.host, port: port.port, weight: 100 };
  return [...routes, ...ruleRoutes(snapshot, PLAIN, [plain], port, `${service.name}-default`)];
}

function ruleRoutes(
  snapshot: Snapshot,
  rule: Pick<HttpRoute, "matches" | "timeoutMs" | "retries">,
  destinations: readonly Destination[],
  port: ServicePort,
  name: string,
): RouteInit[] {
  const matches = rule.matches.length === 0 ? [undefined] : rule.matches;
  return matches.flatMap((match) => {
    const routeMatch = matchOf(match);
    const copies = chosenSubsetRoutes(snapshot, rule, destinations, port, routeMatch, name);
    return [...copies, route(snapshot, rule, destinations, port, routeMatch, name)];
  });
}

/**
 * What a plugin that sets `route.subset` reaches: for a rule whose destinations are all of one host with subsets, a
 * copy of its route per subset, before it, that wants the plugin's choice in the filter state.
 */
function chosenSubsetRoutes(
  snapshot: Snapshot,
  rule: Pick<HttpRoute, "timeoutMs" | "retries">,
  destinations: readonly Destination[],
  port: ServicePort,
  match: MatchParts,
  name: string,
): RouteInit[] {
  if (!requirements(snapshot).has("subsetRoutes")) return [];
  const [first] = destinations;
  if (first === undefined || destinations.some((d) => d.host !== first.host || d.port !== first.port)) return [];
  return subsetsOf(snapshot, first.host).map((subset) => {
    const destination = {
      host: first.host,
      subset: subset.name,
      weight: 100,
      ...(first.port === undefined ? {} : { port: first.port }),
    };
    const chosen: MessageInitShape<typeof RouteMatchSchema> = {
      ...match,
      filterState: [
        {
          key: SUBSET_FILTER_STATE,
          matcher: { case: "stringMatch", value: { matchPattern: { case: "exact", value: subset.name } } },
        },
      ],
    };
    return route(snapshot, rule, [destination], port, chosen, `${name}|${subset.name}`);
  });
}

function route(
  snapshot: Snapshot,
  rule: Pick<HttpRoute, "timeoutMs" | "retries">,
  destinations: readonly Destination[],
  port: ServicePort,
  match: MessageInitShape<typeof RouteMatchSchema>,
  name: string,
): RouteInit {
  const retries = routeRetries(rule.retries, requirements(snapshot));
  return {
    name,
    match,
    action: {
      case: "route",
      value: {
        clusterSpecifier: clusterSpecifier(snapshot, destinations, port),
        timeout: milliseconds(rule.timeoutMs ?? 0),
        ...(retries.policy === undefined ? {} : { retryPolicy: retries.policy }),
        upgradeConfigs: [{ upgradeType: "websocket" }],
      },
    },
    ...(retries.requestHeaders === undefined ? {} : { requestHeadersToAdd: retries.requestHeaders }),
  };
}

function clusterSpecifier(
  snapshot: Snapshot,
  destinations: readonly Destination[],
  port: ServicePort,
): NonNullable<MessageInitShape<typeof RouteActionSchema>["clusterSpecifier"]> {
  const [only] = destinations;
  if (only !== undefined && destinations.length === 1)
    return { case: "cluster", value: destinationCluster(snapshot, only, port) };
  return {
    case: "weightedClusters",
    value: {
      clusters: destinations
        .filter((destination) => destination.weight > 0)
        .map((destination) => ({
          name: destinationCluster(snapshot, destination, port),
          weight: destination.weight,
        })),
    },
  };
}

/** A destination without port means the port that was called, or the only one of its service. */
function destinationCluster(snapshot: Snapshot, destination: Destination, called: ServicePort): string {
  const ports = snapshot.services.get(destination.host)?.ports ?? [];
  const only = ports.length === 1 ? ports[0]?.port : undefined;
  return outboundCluster(destination.port ?? only ?? called.port, destination.subset ?? "", destination.host);
}

function matchOf(match: HttpMatch | undefined): MatchParts {
  const headers: MatchParts["headers"] = (match?.headers ?? []).map((header) => ({
    name: header.name,
    headerMatchSpecifier:
      header.match === undefined
        ? { case: "presentMatch", value: true }
        : { case: "stringMatch", value: stringMatcher(header.match) },
  }));
  if (match?.method !== undefined)
    headers.push({
      name: ":method",
      headerMatchSpecifier: { case: "stringMatch", value: stringMatcher(match.method) },
    });
  return { pathSpecifier: pathSpecifier(match?.uri), headers };
}

function pathSpecifier(uri: UriMatch | undefined): MatchParts["pathSpecifier"] {
  switch (uri?.kind) {
    case undefined:
      return { case: "prefix", value: "/" };
    case "exact":
      return { case: "path", value: uri.value };
    case "prefix":
      return { case: "prefix", value: uri.value };
    case "path":
      return { case: "pathSeparatedPrefix", value: uri.value };
    case "regex":
      return { case: "safeRegex", value: { regex: uri.value } };
  }
}

function stringMatcher(match: StringMatch): MessageInitShape<typeof StringMatcherSchema> {
  return match.kind === "regex"
    ? { matchPattern: { case: "safeRegex", value: { regex: match.value } } }
    : { matchPattern: { case: match.kind, value: match.value } };
}
