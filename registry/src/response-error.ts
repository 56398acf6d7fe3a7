import { readBody } from "./body.js";
import { RegistryError, type RegistryErrorCode } from "./error.js";
import { isRetryableStatus, parseRetryAfter } from "./retry.js";

const MAX_ERROR_BODY_BYTES = 64 * 1024;
const MAX_MESSAGE_LENGTH = 300;

export interface RegistryMessage {
  readonly code?: string;
  readonly message?: string;
}

/**
 * The error for an answer that is not a success. `subject` says what was asked for, for example
 * `ghcr.io/acme/retry:v1`. Consumes the body.
 */
export async function responseError(response: Response, subject: string, hint?: string): Promise<RegistryError> {
  const { status } = response;
  const said = parseErrorBody(await readErrorBody(response));
  const words = [said.code, said.message].filter((part) => part !== undefined && part !== "").join(": ");
  const code = codeOf(status);
  return new RegistryError(code, `${subject}: ${describe(code, status)}${words === "" ? "" : ` (${words})`}`, {
    hint: hint ?? HINTS[code],
    status,
    registryCode: said.code,
    registryMessage: said.message,
    retryAfterMs: parseRetryAfter(response.headers.get("retry-after"), Date.now()),
    retryable: isRetryableStatus(status),
  });
}

/** The first error of a `{"errors": [...]}` body, or the start of a plain text. */
export function parseErrorBody(text: string): RegistryMessage {
  try {
    const json: unknown = JSON.parse(text);
    const first = isRecord(json) && Array.isArray(json.errors) ? (json.errors[0] as unknown) : json;
    if (!isRecord(first)) return {};
    const { code, message } = first;
    return {
      ...(typeof code === "string" ? { code: cleanText(code) } : {}),
      ...(typeof message === "string" ? { message: cleanText(message) } : {}),
    };
  } catch {
    // Proxies answer in HTML, which says nothing that the status doesn't.
    const message = /^\s*</.test(text) ? "" : cleanText(text);
    return message === "" ? {} : { message };
  }
}

const HINTS: Partial<Record<RegistryErrorCode, string>> = {
  "not-found": "check the repository and the tag or digest; some registries also answer this without credentials",
  unauthorized: "give credentials for this registry that may do this",
  forbidden: "the credentials are known, but may not do this",
  "too-large": "the registry takes no content of this size",
  "rate-limited": "try again later, or with credentials, for which many registries allow more",
};

function codeOf(status: number): RegistryErrorCode {
  if (status === 401) return "unauthorized";
  if (status === 403) return "forbidden";
  if (status === 404) return "not-found";
  if (status === 408) return "timeout";
  if (status === 413) return "too-large";
  if (status === 429) return "rate-limited";
  return status >= 500 ? "unavailable" : "protocol";
}

function describe(code: RegistryErrorCode, status: number): string {
  switch (code) {
    case "not-found":
      return "not found";
    case "unauthorized":
      return "the registry wants credentials, or refused those it got";
    case "forbidden":
      return "the registry does not allow it";
    case "rate-limited":
      return "the registry got too many requests";
    default:
      return `the registry answered ${status}`;
  }
}

async function readErrorBody(response: Response): Promise<string> {
  try {
    return new TextDecoder().decode(await readBody(response, { maxBytes: MAX_ERROR_BODY_BYTES, what: "the error" }));
  } catch (error) {
    // The status tells enough; an oversized text adds nothing. Failures of the connection are the caller's to see.
    if (error instanceof RegistryError) return "";
    throw error;
  }
}

/** One line without control characters: the text ends up in logs and conditions. */
export function cleanText(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  return line.length > MAX_MESSAGE_LENGTH ? `${line.slice(0, MAX_MESSAGE_LENGTH)}…` : line;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
