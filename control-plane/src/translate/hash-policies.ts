import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteAction_HashPolicySchema } from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import { canonicalJson } from "../model/compare.js";
import type { Snapshot } from "../model/snapshot.js";
import type { HashKey } from "../model/traffic-policy.js";
import { trafficPolicy } from "./destination-rules.js";
import { milliseconds } from "./duration.js";

type HashPolicy = MessageInitShape<typeof RouteAction_HashPolicySchema>;

/** A cluster, as a route names it. */
export interface HashedDestination {
  readonly host: string;
  readonly port: number;
  /** "" for all of the service. */
  readonly subset: string;
}

/**
 * What of a request the clusters of a route hash, for callers of a namespace. The route says it and the cluster uses
 * it, so several destinations with different keys share the sum of them.
 */
export function hashPolicies(
  snapshot: Pick<Snapshot, "services" | "destinationRules" | "settings">,
  caller: string,
  destinations: readonly HashedDestination[],
): HashPolicy[] {
  const keys = destinations.flatMap((destination) => hashKeyOf(snapshot, caller, destination) ?? []);
  const different = new Map(keys.map((key) => [canonicalJson(key), key]));
  return [...different.values()].map(hashPolicy);
}

/** What the callers of a namespace choose an endpoint of a destination by; undefined where they hash nothing. */
export function hashKeyOf(
  snapshot: Pick<Snapshot, "services" | "destinationRules" | "settings">,
  caller: string,
  { host, port, subset }: HashedDestination,
): HashKey | undefined {
  const service = snapshot.services.get(host);
  if (service === undefined) return undefined;
  const { algorithm } = trafficPolicy(snapshot, caller, { service, port, subset }).loadBalancer ?? {};
  return algorithm?.kind === "consistentHash" ? algorithm.key : undefined;
}

function hashPolicy(key: HashKey): HashPolicy {
  switch (key.kind) {
    case "header":
      return { policySpecifier: { case: "header", value: { headerName: key.name } } };
    case "query":
      return { policySpecifier: { case: "queryParameter", value: { name: key.name } } };
    case "sourceIp":
      return { policySpecifier: { case: "connectionProperties", value: { sourceIp: true } } };
    case "cookie":
      return {
        policySpecifier: {
          case: "cookie",
          value: {
            name: key.name,
            ...(key.path === undefined ? {} : { path: key.path }),
            ...(key.ttlMs === undefined ? {} : { ttl: milliseconds(key.ttlMs) }),
          },
        },
      };
  }
}
