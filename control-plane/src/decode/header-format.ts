import { type Reader, readAnyString, refuse, show } from "./fields.js";

/** Command operators that stand without arguments. */
const PLAIN = new Set([
  "BYTES_RECEIVED",
  "CONNECTION_ID",
  "DOWNSTREAM_DIRECT_REMOTE_ADDRESS",
  "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT",
  "DOWNSTREAM_LOCAL_ADDRESS",
  "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT",
  "DOWNSTREAM_LOCAL_PORT",
  "DOWNSTREAM_LOCAL_URI_SAN",
  "DOWNSTREAM_PEER_URI_SAN",
  "DOWNSTREAM_REMOTE_ADDRESS",
  "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
  "DOWNSTREAM_REMOTE_PORT",
  "GRPC_STATUS",
  "HOSTNAME",
  "PROTOCOL",
  "REQUESTED_SERVER_NAME",
  "REQUEST_DURATION",
  "RESPONSE_CODE",
  "RESPONSE_CODE_DETAILS",
  "RESPONSE_DURATION",
  "RESPONSE_FLAGS",
  "ROUTE_NAME",
  "START_TIME",
  "STREAM_ID",
  "UPSTREAM_CLUSTER",
  "UPSTREAM_HOST",
  "UPSTREAM_LOCAL_ADDRESS",
  "UPSTREAM_REMOTE_ADDRESS",
  "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
  "UPSTREAM_REMOTE_PORT",
  "VIRTUAL_CLUSTER_NAME",
]);

/** Command operators with arguments, and what these look like. */
const WITH_ARGUMENTS: Readonly<Record<string, RegExp>> = {
  REQ: /^:?[\w-]+(?:\?:?[\w-]+)?$/,
  RESP: /^:?[\w-]+(?:\?:?[\w-]+)?$/,
  QUERY_PARAM: /^[\w.~-]+$/,
  START_TIME: /^[\w%:. /+-]+$/,
  DYNAMIC_METADATA: /^[\w.-]+(?::[\w.-]+)*$/,
  UPSTREAM_METADATA: /^[\w.-]+(?::[\w.-]+)*$/,
};

const OPERATOR = /%(?:%|([A-Z0-9_]+)(?:\(([^()]*)\))?(?::\d{1,5})?%)?/g;

/**
 * The value of a header that Envoy sets. A value that Envoy refuses would hold up every later change of the routes.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/observability/access_log/usage#command-operators
 */
export const readHeaderFormat: Reader<string> = (field) => {
  const text = readAnyString(4096)(field);
  if (text === undefined) return undefined;
  if (/[^\t\x20-\x7e]/.test(text))
    return refuse(field, "InvalidValue", "has characters that no header has", "use printable ASCII");
  for (const [found, name, args] of text.matchAll(OPERATOR)) {
    if (found === "%%") continue;
    if (name === undefined)
      return refuse(field, "InvalidFormat", `${show(text)} has a single %`, "write %% for a per cent sign");
    const known = args === undefined ? PLAIN.has(name) : WITH_ARGUMENTS[name]?.test(args);
    if (!known)
      return refuse(
        field,
        "InvalidFormat",
        `${found} is not a command that a header may have`,
        `write %% for a per cent sign, or use one of ${[...Object.keys(WITH_ARGUMENTS).map((n) => `${n}(…)`), ...PLAIN].join(", ")}`,
      );
  }
  return text;
};
