import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CircuitBreakersSchema } from "../envoy-api/gen/envoy/config/cluster/v3/circuit_breaker_pb.js";
import type { ConnectionPool, TrafficPolicy } from "../model/traffic-policy.js";

/** Envoy's own limits are for one that stands at the edge; in a mesh nothing is limited unless somebody says so. */
const UNLIMITED = 0xffff_ffff;

const LIMITS = [
  "maxConnections",
  "maxPendingRequests",
  "maxRequests",
  "maxRetries",
] as const satisfies readonly (keyof ConnectionPool)[];

/**
 * How many connections, requests and retries a cluster has at most. What is left is a metric where there is a limit.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/intro/arch_overview/upstream/circuit_breaking
 */
export function circuitBreakers({
  connectionPool = {},
  retryBudget,
}: TrafficPolicy): MessageInitShape<typeof CircuitBreakersSchema> {
  const { maxConnections, maxPendingRequests, maxRequests, maxRetries } = connectionPool;
  const limited = LIMITS.some((limit) => connectionPool[limit] !== undefined);
  // Wherever retries are possible they are bounded by the traffic, unless the user wants a fixed number.
  const budget =
    maxRetries !== undefined && retryBudget === undefined
      ? { maxRetries }
      : {
          retryBudget: {
            budgetPercent: { value: retryBudget?.percent ?? 20 },
            minRetryConcurrency: retryBudget?.minRetryConcurrency ?? 3,
          },
        };
  return {
    thresholds: [
      {
        maxConnections: maxConnections ?? UNLIMITED,
        maxPendingRequests: maxPendingRequests ?? UNLIMITED,
        maxRequests: maxRequests ?? UNLIMITED,
        ...budget,
        ...(limited ? { trackRemaining: true } : {}),
      },
    ],
  };
}

/** Of an app behind its own sidecar: its callers limit themselves. */
export const NO_LIMITS: MessageInitShape<typeof CircuitBreakersSchema> = {
  thresholds: [{ maxConnections: UNLIMITED, maxPendingRequests: UNLIMITED, maxRequests: UNLIMITED }],
};
