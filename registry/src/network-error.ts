import { RegistryError } from "./error.js";

const UNTRUSTED: readonly string[] = [
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_HAS_EXPIRED",
  "ERR_TLS_CERT_ALTNAME_INVALID",
];
const NOT_TLS: readonly string[] = ["ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_PACKET_LENGTH_TOO_LONG", "EPROTO"];
const NOT_ALLOWED = "ADDRESS_NOT_ALLOWED";
/** Trying again gives the same. */
const FINAL: readonly string[] = [...UNTRUSTED, ...NOT_TLS, NOT_ALLOWED];

/** The error for a connection that could not be made or broke. `subject` says what was asked for. */
export function networkError(error: unknown, subject: string, url: URL): RegistryError {
  const cause = rootCause(error);
  const code = typeof cause.code === "string" ? cause.code : "";
  const reason = code !== "" && !cause.message.includes(code) ? `${cause.message} (${code})` : cause.message;
  return new RegistryError("unavailable", `${subject}: no connection to ${url.origin}: ${reason}`, {
    hint: hintFor(code, cause.message, url),
    retryable: !FINAL.includes(code) && cause.message !== "bad port",
    cause: error,
  });
}

function hintFor(code: string, message: string, url: URL): string {
  if (UNTRUSTED.includes(code))
    return "its certificate is not trusted: name the file of its CA in the registry's settings";
  if (NOT_TLS.includes(code)) return `it does not speak TLS: if it may use plain HTTP, name ${url.host} in plainHttp`;
  if (code === NOT_ALLOWED)
    return "link-local addresses are never used, internal ones only where the registry is internal";
  if (message === "bad port") return "fetch refuses this port, which belongs to another protocol: use another one";
  if (code === "ECONNREFUSED") return "nothing listens there: check the address, or start the registry";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return "the host name was not found: check its spelling and the DNS";
  return "check the network between here and the registry";
}

/** fetch says "fetch failed" and keeps what happened in the causes. */
function rootCause(error: unknown): Error & { readonly code?: unknown } {
  let found = error instanceof Error ? error : new Error(String(error));
  for (let depth = 0; depth < 5; depth += 1) {
    const next = found instanceof AggregateError ? (found.errors[0] as unknown) : found.cause;
    if (!(next instanceof Error)) break;
    found = next;
  }
  return found;
}
