import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  RouteAction_ClusterNotFoundResponseCode,
  type RouteActionSchema,
} from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import type { Destination, HttpMatch, HttpRouteOptions, Target } from "../model/http-route.js";
import type { ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import { milliseconds } from "./duration.js";
import { headerMutations } from "./header-mutations.js";
import { MISSING_CLUSTER, outboundCluster } from "./names.js";
import { envoyRewrite } from "./path-rewrite.js";
import type { RouteRetries } from "./retry-policy.js";
import { fractionalPercent } from "./route-filters.js";

type RouteActionInit = Extract<MessageInitShape<typeof RouteActionSchema>, { readonly $typeName?: never }>;

/** Sends requests on; `called` is the port of the service that was called. */
export function routeAction(
  snapshot: Pick<Snapshot, "services">,
  rule: Omit<HttpRouteOptions, "matches">,
  destinations: readonly Destination[],
  called: Pick<ServicePort, "port">,
  uri: HttpMatch["uri"],
  retries: RouteRetries,
): RouteActionInit {
  const [only] = destinations.length === 1 ? destinations : [];
  const authority = rule.rewrite?.authority ?? rule.headers?.authority ?? only?.headers?.authority;
  const path = rule.rewrite?.path && envoyRewrite(rule.rewrite.path, uri);
  const mirrors = rule.mirrors ?? [];
  return {
    clusterSpecifier: clusterSpecifier(snapshot, destinations, called),
    ...(destinations.some(({ missing }) => missing) && {
      clusterNotFoundResponseCode: RouteAction_ClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR,
    }),
    timeout: milliseconds(rule.timeoutMs ?? 0),
    ...(retries.policy === undefined ? {} : { retryPolicy: retries.policy }),
    ...(authority === undefined ? {} : { hostRewriteSpecifier: { case: "hostRewriteLiteral", value: authority } }),
    ...(path?.kind === "prefix" && { prefixRewrite: path.prefixRewrite }),
    ...(path?.kind === "regex" && { regexRewrite: path.regexRewrite }),
    ...(mirrors.length > 0 && {
      requestMirrorPolicies: mirrors.map((mirror) => ({
        cluster: targetCluster(snapshot, mirror, called),
        runtimeFraction: { defaultValue: fractionalPercent(mirror.percentage) },
      })),
    }),
  };
}

function clusterSpecifier(
  snapshot: Pick<Snapshot, "services">,
  destinations: readonly Destination[],
  called: Pick<ServicePort, "port">,
): NonNullable<RouteActionInit["clusterSpecifier"]> {
  const [only] = destinations;
  if (only !== undefined && destinations.length === 1)
    return { case: "cluster", value: destinationCluster(snapshot, only, called) };
  return {
    case: "weightedClusters",
    value: {
      clusters: destinations
        .filter(({ weight }) => weight > 0)
        .map((destination) => ({
          name: destinationCluster(snapshot, destination, called),
          weight: destination.weight,
          ...headerMutations(destination.headers),
          ...(destination.headers?.authority === undefined
            ? {}
            : { hostRewriteSpecifier: { case: "hostRewriteLiteral", value: destination.headers.authority } as const }),
        })),
    },
  };
}

function destinationCluster(
  snapshot: Pick<Snapshot, "services">,
  destination: Destination,
  called: Pick<ServicePort, "port">,
): string {
  return destination.missing ? MISSING_CLUSTER : targetCluster(snapshot, destination, called);
}

function targetCluster(
  snapshot: Pick<Snapshot, "services">,
  target: Target,
  called: Pick<ServicePort, "port">,
): string {
  return outboundCluster(targetPort(snapshot, target, called), target.subset ?? "", target.host);
}

/** A target without port means the only port of its service, or the one that was called. */
export function targetPort(
  snapshot: Pick<Snapshot, "services">,
  { host, port }: Target,
  called: Pick<ServicePort, "port">,
): number {
  const ports = snapshot.services.get(host)?.ports ?? [];
  const only = ports.length === 1 ? ports[0]?.port : undefined;
  return port ?? only ?? called.port;
}
