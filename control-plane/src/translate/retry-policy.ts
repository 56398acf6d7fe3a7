import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RetryPolicySchema } from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import { RetryPolicy_ResetHeaderFormat } from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import { PreviousHostsPredicateSchema } from "../envoy-api/gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js";
import type { Requirement } from "../model/plugin-manifest.js";
import type { RetryPolicy } from "../model/virtual-service.js";
import { milliseconds } from "./duration.js";
import { pack } from "./encode.js";

const DEFAULT_ATTEMPTS = 2;
const DEFAULT_RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

/**
 * What Envoy retries by itself; undefined where the user wants no retries and no plugin may want them. When to wait
 * and which host to avoid are the route's matter also where a plugin decides what to retry.
 */
export function retryPolicy(
  policy: RetryPolicy | undefined,
  requirements: ReadonlySet<Requirement>,
): MessageInitShape<typeof RetryPolicySchema> | undefined {
  const attempts = policy?.attempts ?? DEFAULT_ATTEMPTS;
  const backOff = requirements.has("retryBackoff");
  if (attempts === 0 && !backOff) return undefined;
  const retryOn = policy?.retryOn ?? DEFAULT_RETRY_ON;
  return {
    ...(attempts === 0
      ? {}
      : {
          retryOn,
          numRetries: attempts,
          // Without a list this condition would never hold.
          retriableStatusCodes: retryOn.split(",").includes("retriable-status-codes") ? [503] : [],
        }),
    ...(policy?.perTryTimeoutMs === undefined ? {} : { perTryTimeout: milliseconds(policy.perTryTimeoutMs) }),
    retryHostPredicate: [
      {
        name: "envoy.retry_host_predicates.previous_hosts",
        configType: { case: "typedConfig", value: pack(PreviousHostsPredicateSchema, {}) },
      },
    ],
    hostSelectionRetryMaxAttempts: 5n,
    ...(backOff
      ? {
          retryBackOff: { baseInterval: milliseconds(25), maxInterval: milliseconds(1000) },
          rateLimitedRetryBackOff: {
            resetHeaders: [{ name: "retry-after", format: RetryPolicy_ResetHeaderFormat.SECONDS }],
            maxInterval: milliseconds(10_000),
          },
        }
      : {}),
  };
}
