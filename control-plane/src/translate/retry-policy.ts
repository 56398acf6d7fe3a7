import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  HeaderValueOption_HeaderAppendAction as HeaderAppendAction,
  type HeaderValueOptionSchema,
} from "../envoy-api/gen/envoy/config/core/v3/base_pb.js";
import {
  RetryPolicy_ResetHeaderFormat as ResetHeaderFormat,
  type RetryPolicy_RetryHostPredicateSchema,
  type RetryPolicy_RetryPrioritySchema,
  type RetryPolicySchema,
} from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import { PreviousHostsPredicateSchema } from "../envoy-api/gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js";
import { PreviousPrioritiesConfigSchema } from "../envoy-api/gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.js";
import type { RetryPolicy } from "../model/http-route.js";
import type { Requirement } from "../model/plugin-manifest.js";
import { milliseconds } from "./duration.js";
import { pack } from "./encode.js";

const DEFAULT_ATTEMPTS = 2;
const DEFAULT_RETRY_ON = ["connect-failure", "refused-stream", "unavailable", "cancelled", "retriable-status-codes"];
const GRPC_CONDITIONS = new Set(["cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"]);
/* Longer ones are not waited for: Envoy then falls back to the usual back-off. */
const MAX_RETRY_AFTER_MS = 60_000;

/* Envoy goes by the type. The name is short because all routes have it. */
const PREVIOUS_HOSTS: MessageInitShape<typeof RetryPolicy_RetryHostPredicateSchema> = {
  name: "previous-hosts",
  configType: { case: "typedConfig", value: pack(PreviousHostsPredicateSchema, {}) },
};

/** After two tries that failed in the same localities the next ones come in. */
const PREVIOUS_PRIORITIES: MessageInitShape<typeof RetryPolicy_RetryPrioritySchema> = {
  name: "envoy.retry_priorities.previous_priorities",
  configType: { case: "typedConfig", value: pack(PreviousPrioritiesConfigSchema, { updateFrequency: 2 }) },
};

/** The parts of a route that say what is retried, and how. */
export interface RouteRetries {
  readonly policy?: MessageInitShape<typeof RetryPolicySchema>;
  readonly requestHeaders?: MessageInitShape<typeof HeaderValueOptionSchema>[];
}

/**
 * What Envoy retries by itself: nothing where the user wants no retries. When to wait and which host to avoid are the
 * route's matter also where a plugin decides what to retry. What a plugin sets on a request Envoy only adds to the
 * route's conditions; so that a plugin can also narrow them, they are then headers, set where the plugin set none.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/http/http_filters/router_filter#x-envoy-retry-on
 */
export function routeRetries(
  policy: RetryPolicy | undefined,
  requirements: ReadonlySet<Requirement>,
  isHashed = false,
): RouteRetries {
  const attempts = policy?.attempts ?? DEFAULT_ATTEMPTS;
  const retryOn = attempts === 0 ? [] : (policy?.retryOn ?? DEFAULT_RETRY_ON);
  // Without a list this condition would never hold.
  const statusCodes = retryOn.includes("retriable-status-codes") ? [...(policy?.statusCodes ?? [503])] : [];
  const how = howToRetry(policy, isHashed);
  if (!requirements.has("retryBackoff")) {
    if (attempts === 0) return {};
    return {
      policy: { retryOn: retryOn.join(","), numRetries: attempts, retriableStatusCodes: statusCodes, ...how },
    };
  }
  const isGrpc = (condition: string) => GRPC_CONDITIONS.has(condition);
  return {
    policy: {
      ...how,
      retryBackOff:
        policy?.backoffMs === undefined
          ? { baseInterval: milliseconds(25), maxInterval: milliseconds(1000) }
          : { baseInterval: milliseconds(policy.backoffMs) },
      rateLimitedRetryBackOff: {
        resetHeaders: [{ name: "retry-after", format: ResetHeaderFormat.SECONDS }],
        maxInterval: milliseconds(MAX_RETRY_AFTER_MS),
      },
    },
    requestHeaders:
      attempts === 0
        ? []
        : [
            ...unlessSet("x-envoy-retry-on", retryOn.filter((condition) => !isGrpc(condition)).join(",")),
            ...unlessSet("x-envoy-retry-grpc-on", retryOn.filter(isGrpc).join(",")),
            ...unlessSet("x-envoy-max-retries", String(attempts)),
            ...unlessSet("x-envoy-retriable-status-codes", statusCodes.join(",")),
          ],
  };
}

function howToRetry(policy: RetryPolicy | undefined, isHashed: boolean) {
  // By its hash a request belongs to one host, unless the user says that it may go elsewhere.
  const avoid = policy?.avoidPreviousHosts ?? !isHashed;
  return {
    ...(policy?.perTryTimeoutMs === undefined ? {} : { perTryTimeout: milliseconds(policy.perTryTimeoutMs) }),
    ...(policy?.backoffMs === undefined ? {} : { retryBackOff: { baseInterval: milliseconds(policy.backoffMs) } }),
    ...(avoid ? { retryHostPredicate: [PREVIOUS_HOSTS] } : {}),
    ...(policy?.remoteLocalities === true ? { retryPriority: PREVIOUS_PRIORITIES } : {}),
    hostSelectionRetryMaxAttempts: 5n,
  } satisfies MessageInitShape<typeof RetryPolicySchema>;
}

function unlessSet(key: string, value: string): MessageInitShape<typeof HeaderValueOptionSchema>[] {
  return value === "" ? [] : [{ header: { key, value }, appendAction: HeaderAppendAction.ADD_IF_ABSENT }];
}
