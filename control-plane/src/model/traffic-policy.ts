import type { DestinationRule } from "./destination-rule.js";
import type { LocalityBalancing } from "./locality-balancing.js";

/** How a cluster treats its endpoints; what is absent is as the mesh does it by default. */
export interface TrafficPolicy {
  readonly loadBalancer?: LoadBalancer;
  readonly connectionPool?: ConnectionPool;
  readonly outlierDetection?: OutlierDetection;
  readonly tls?: ClientTls;
  readonly retryBudget?: RetryBudget;
}

/** What a port sets for itself. It inherits none of these four from the policy around it. */
export interface PortPolicy
  extends Pick<TrafficPolicy, "loadBalancer" | "connectionPool" | "outlierDetection" | "tls"> {
  readonly port: number;
}

export interface PolicyByPort extends TrafficPolicy {
  readonly ports: readonly PortPolicy[];
}

export interface LoadBalancer {
  /** Absent: LEAST_REQUEST. */
  readonly algorithm?: Algorithm;
  readonly locality?: LocalityBalancing;
  readonly warmup?: Warmup;
}

export type Algorithm =
  | { readonly kind: "ROUND_ROBIN" | "LEAST_REQUEST" | "RANDOM" | "PASSTHROUGH" }
  | { readonly kind: "consistentHash"; readonly key: HashKey; readonly table: HashTable };

/** What of a request decides which endpoint has it. */
export type HashKey =
  | { readonly kind: "header"; readonly name: string }
  | { readonly kind: "query"; readonly name: string }
  | { readonly kind: "sourceIp" }
  /** A caller without the cookie is given one, where `ttlMs` is there; 0 lasts as long as the caller's session. */
  | { readonly kind: "cookie"; readonly name: string; readonly path?: string; readonly ttlMs?: number };

export type HashTable =
  | { readonly kind: "ring"; readonly minimumSize?: number }
  | { readonly kind: "maglev"; readonly size?: number };

/** An endpoint that is new gets its full share of the requests only after a while. */
export interface Warmup {
  readonly durationMs: number;
  /** Of its share, at the beginning. */
  readonly minimumPercent?: number;
  /** 1 grows evenly with time; more begins faster. */
  readonly aggression?: number;
}

export interface ConnectionPool {
  readonly maxConnections?: number;
  readonly connectTimeoutMs?: number;
  readonly keepalive?: { readonly probes?: number; readonly timeMs?: number; readonly intervalMs?: number };
  readonly maxConnectionDurationMs?: number;
  /** Of TCP connections; 0 is for ever. */
  readonly tcpIdleTimeoutMs?: number;
  readonly maxPendingRequests?: number;
  readonly maxRequests?: number;
  readonly maxRequestsPerConnection?: number;
  readonly maxRetries?: number;
  /** Of HTTP connections; 0 is for ever. */
  readonly httpIdleTimeoutMs?: number;
  readonly maxConcurrentStreams?: number;
  /** HTTP/2 to endpoints of a port of HTTP/1.1. */
  readonly upgradeToHttp2?: boolean;
  /** The version of HTTP that the caller speaks, also on a port of HTTP/2. */
  readonly useClientProtocol?: boolean;
}

export interface OutlierDetection {
  readonly splitExternalLocalOriginErrors?: boolean;
  readonly consecutiveLocalOriginFailures?: number;
  /** 0 switches it off; absent: off. */
  readonly consecutiveGatewayErrors?: number;
  /** 0 switches it off; absent: 5. */
  readonly consecutive5xxErrors?: number;
  readonly intervalMs?: number;
  readonly baseEjectionTimeMs?: number;
  readonly maxEjectionPercent?: number;
  /** Below this share of healthy endpoints all are used. */
  readonly minHealthPercent?: number;
}

/** In the place of the mesh's automatic mTLS. */
export type ClientTls =
  | { readonly mode: "DISABLE" }
  | { readonly mode: "ISTIO_MUTUAL"; readonly subjectAltNames: readonly string[] }
  | ServerTls;

/** TLS to a server that is not of the mesh. Files are those of the sidecar's machine. */
export interface ServerTls {
  readonly mode: "SIMPLE" | "MUTUAL";
  /** Absent: the host that is called. */
  readonly sni?: string;
  /** Absent or empty: the host that is called. */
  readonly subjectAltNames: readonly string[];
  readonly trust:
    | { readonly kind: "public" }
    | { readonly kind: "file"; readonly path: string }
    /** Whoever answers is believed. */
    | { readonly kind: "nobody" };
  readonly certificate?: { readonly chainPath: string; readonly keyPath: string };
}

export interface RetryBudget {
  /** Of the requests under way. */
  readonly percent?: number;
  readonly minRetryConcurrency?: number;
}

/**
 * The policy for a port of a subset (or of all, ""): each part as the subset says it, else as the rule does. A port's
 * settings replace load balancing, connections, outlier detection and TLS of the policy that they stand in together.
 * https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy
 */
export function policyFor(
  rule: Pick<DestinationRule, "policy" | "subsets"> | undefined,
  subset: string,
  port: number,
): TrafficPolicy {
  const ofSubset = subset === "" ? undefined : rule?.subsets.find(({ name }) => name === subset)?.policy;
  return override(override({}, rule?.policy, port), ofSubset, port);
}

function override(base: TrafficPolicy, over: PolicyByPort | undefined, port: number): TrafficPolicy {
  if (over === undefined) return base;
  const { ports, ...policy } = over;
  const merged: TrafficPolicy = { ...base, ...policy };
  const own = ports.find((candidate) => candidate.port === port);
  if (own === undefined) return merged;
  const { port: _, ...settings } = own;
  return { ...(merged.retryBudget !== undefined && { retryBudget: merged.retryBudget }), ...settings };
}
