import type { RetryPolicy } from "../model/http-route.js";
import { readDurationMs } from "./duration.js";
import { type Reader, readInteger, readObject, readString, refuse, show } from "./fields.js";
import { nearest } from "./nearest.js";

/** https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/http/http_filters/router_filter#x-envoy-retry-on and -grpc-on */
const CONDITIONS = new Set([
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "envoy-ratelimited",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "retriable-headers",
  "http3-post-connect-failure",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
]);

const LATER = "remove it; it comes with a later version";

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRetry */
export const readRetries: Reader<RetryPolicy> = readObject((fields) => {
  fields.unsupported({ backoff: LATER, retryRemoteLocalities: LATER, retryIgnorePreviousHosts: LATER });
  const attempts = fields.required("attempts", readInteger(0, 100), "say how often to retry; 0 switches retries off");
  const perTryTimeoutMs = fields.optional("perTryTimeout", readDurationMs());
  const retryOn = fields.optional("retryOn", readConditions);
  return {
    attempts: attempts ?? 0,
    ...(perTryTimeoutMs !== undefined && { perTryTimeoutMs }),
    ...(retryOn !== undefined && { retryOn }),
  };
});

const readConditions: Reader<string[]> = (field) => {
  const text = readString()(field);
  if (text === undefined) return undefined;
  const conditions = text.split(",").map((condition) => condition.trim());
  for (const condition of conditions) {
    if (CONDITIONS.has(condition)) continue;
    if (/^\d{3}$/.test(condition))
      return refuse(
        field,
        "UnsupportedValue",
        `names the status ${condition}, which is not supported yet`,
        "use 5xx, gateway-error or retriable-status-codes",
      );
    const near = nearest(condition, CONDITIONS);
    const hint = near === undefined ? `use some of ${[...CONDITIONS].join(", ")}` : `did you mean ${near}?`;
    return refuse(field, "InvalidValue", `${show(condition)} is not a condition of Envoy`, hint);
  }
  return [...new Set(conditions)];
};
