/*
 * Envoy's words for what is retried. The router leaves out words that it does not know, so they are checked here.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/http/http_filters/router_filter#x-envoy-retry-on
 */
const HTTP: string[] = [
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
];

/* Those of x-envoy-retry-grpc-on. */
const GRPC: string[] = ["cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"];

/** What shows that the server has not seen the request: sending it again cannot do anything twice. */
export const UNPROCESSED = "connect-failure,refused-stream,reset-before-request";

export const STATUS_CODES = "retriable-status-codes";
export const HEADERS = "retriable-headers";

/** The words of a list with commas, without spaces around them; none of an empty list. */
export function words(list: string): string[] {
  const trimmed = list.trim();
  if (trimmed == "") return [];
  const parts = trimmed.split(",");
  for (let i = 0; i < parts.length; i++) parts[i] = parts[i].trim();
  return parts;
}

/** What is wrong with a `retryOn`; null where nothing is. */
export function httpFault(list: string): string | null {
  return fault("retryOn", list, HTTP, "grpcRetryOn", GRPC);
}

/** What is wrong with a `grpcRetryOn`. */
export function grpcFault(list: string): string | null {
  return fault("grpcRetryOn", list, GRPC, "retryOn", HTTP);
}

function fault(field: string, list: string, known: string[], otherField: string, others: string[]): string | null {
  const parts = words(list);
  for (let i = 0; i < parts.length; i++) {
    const word = parts[i];
    if (known.includes(word)) continue;
    const begin = 'field "' + field + '" has the condition "' + word + '"; ';
    if (others.includes(word)) return begin + 'it belongs in "' + otherField + '"';
    return begin + "Envoy knows " + known.join(", ");
  }
  return null;
}
