import type { RetryPolicy } from "../model/http-route.js";
import { readDurationMs } from "./duration.js";
import { type Reader, readBoolean, readInteger, readObject, readString, refuse, show } from "./fields.js";
import { nearest } from "./nearest.js";

/** Without it Envoy does not look at the list of codes. */
const STATUS_CODES = "retriable-status-codes";

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
  STATUS_CODES,
  "retriable-headers",
  "http3-post-connect-failure",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
]);

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRetry */
export const readRetries: Reader<RetryPolicy> = readObject((fields, field) => {
  const attempts = fields.required("attempts", readInteger(0, 100), "say how often to retry; 0 switches retries off");
  const perTryTimeoutMs = fields.optional("perTryTimeout", readDurationMs());
  const retryOn = fields.optional("retryOn", readConditions);
  const backoffMs = fields.optional("backoff", readDurationMs());
  const remoteLocalities = fields.optional("retryRemoteLocalities", readBoolean);
  const avoidPreviousHosts = fields.optional("retryIgnorePreviousHosts", readBoolean);
  const others = ["perTryTimeout", "retryOn", "backoff", "retryRemoteLocalities", "retryIgnorePreviousHosts"];
  const idle = others.filter((name) => fields.has(name));
  if (attempts === 0 && idle.length > 0)
    field.problems.warning(
      field.path,
      "IgnoredField",
      `switches retries off, so ${idle.join(" and ")} mean nothing`,
      "give attempts of 1 and more, or remove the rest",
    );
  return {
    attempts: attempts ?? 0,
    ...(perTryTimeoutMs !== undefined && { perTryTimeoutMs }),
    ...retryOn,
    ...(backoffMs !== undefined && { backoffMs }),
    ...(remoteLocalities !== undefined && { remoteLocalities }),
    ...(avoidPreviousHosts !== undefined && { avoidPreviousHosts }),
  };
});

/** Status codes stand among the conditions, as in Istio. */
const readConditions: Reader<Pick<RetryPolicy, "retryOn" | "statusCodes">> = (field) => {
  const text = readString()(field);
  if (text === undefined) return undefined;
  const given = [...new Set(text.split(",").map((condition) => condition.trim()))];
  const codes = given.filter((condition) => /^[1-5]\d\d$/.test(condition));
  const conditions = given.filter((condition) => !codes.includes(condition));
  for (const condition of conditions) {
    if (CONDITIONS.has(condition)) continue;
    const near = nearest(condition, CONDITIONS);
    const hint =
      near === undefined
        ? `use some of ${[...CONDITIONS].join(", ")}, or status codes from 100 to 599`
        : `did you mean ${near}?`;
    return refuse(field, "InvalidValue", `${show(condition)} is not a condition of Envoy`, hint);
  }
  if (codes.length === 0) return { retryOn: conditions };
  return { retryOn: [...new Set([...conditions, STATUS_CODES])], statusCodes: codes.map(Number).sort((a, b) => a - b) };
};
