import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault, WholeAnswer } from "./support/faulty-registry.js";

/** What the status of a plugin says. */
export interface Expected {
  readonly type: "Resolved" | "Verified" | "Validated";
  readonly reason: string;
  readonly message: RegExp;
}

export interface RegistryFault {
  readonly name: string;
  /** Absent: nobody listens. */
  readonly fault?: Fault;
  /** Absent: the new version comes all the same, and nothing is complained of. */
  readonly expected?: Expected;
  /** How long the registry wants to be left alone. */
  readonly retryAfterMs?: number;
}

type Which = (request: IncomingMessage) => boolean;
type How = (response: ServerResponse, answer: WholeAnswer) => unknown;

export const isBlob: Which = ({ url = "" }) => url.includes("/blobs/");
const isToken: Which = ({ url = "" }) => url.startsWith("/token");
const isManifestByDigest: Which = ({ url = "" }) => url.includes("/manifests/sha256:");

/** Spoils the good answers to some requests and passes the others on. */
export function spoil(which: Which, how: How): Fault {
  return async (request, response, ask) => {
    const answer = await ask();
    if (which(request) && answer.status < 300) await how(response, answer);
    else response.writeHead(answer.status, answer.headers).end(answer.body);
  };
}

function failing(status: number, headers: Readonly<Record<string, string>> = {}): Fault {
  return (_, response) => response.writeHead(status, headers).end();
}

/** Tokens hold no longer, until another is asked for and given. */
function expired(isGiven: boolean): Fault {
  let given = false;
  return async (request, response, ask) => {
    if (isToken(request) && !isGiven) return response.writeHead(401).end();
    if (!isToken(request) && !given) {
      const challenge = `Bearer realm="http://${request.headers.host}/token",service="weft-registry",error="invalid_token"`;
      return response.writeHead(401, { "www-authenticate": challenge }).end();
    }
    given = true;
    const { status, headers, body } = await ask();
    return response.writeHead(status, headers).end(body);
  };
}

/** A few bytes at a time. */
export const dribble: How = async (response, { status, headers, body }) => {
  response.writeHead(status, headers);
  for (let from = 0; from < body.length && !response.destroyed; from += 1000) {
    response.write(body.subarray(from, from + 1000));
    await sleep(200);
  }
  response.end();
};

/** The first half, and then nothing any more. */
export const stall: How = (response, { status, headers, body }) => {
  response.writeHead(status, headers);
  response.write(body.subarray(0, body.length / 2));
};

const breakOff: How = (response, { status, headers, body }) => {
  response.writeHead(status, headers);
  response.write(body.subarray(0, body.length / 2), () => response.destroy());
};

const endEarly: How = (response, { status, headers, body }) => {
  const { "content-length": _, ...rest } = headers;
  response.writeHead(status, rest).end(body.subarray(0, body.length / 2));
};

const change: How = (response, { status, headers, body }) => {
  const other = Buffer.from(body);
  const middle = other.length >> 1;
  other[middle] = (other[middle] ?? 0) ^ 1;
  response.writeHead(status, headers).end(other);
};

const RETRY_AFTER_S = 2;
const unauthorized = { type: "Resolved", reason: "Unauthorized", message: /wants credentials, or refused/ } as const;
const mismatch = { type: "Verified", reason: "DigestMismatch", message: /do not use it/ } as const;
const away = (message: RegExp) => ({ type: "Resolved", reason: "Unavailable", message }) as const;

export const REGISTRY_FAULTS: readonly RegistryFault[] = [
  { name: "no registry at all", expected: away(/refused/i) },
  { name: "401", fault: failing(401), expected: unauthorized },
  {
    name: "404",
    fault: failing(404),
    expected: { type: "Resolved", reason: "NotFound", message: /not found.*check the repository and the tag/ },
  },
  {
    name: "429, and when to come back",
    fault: failing(429, { "retry-after": String(RETRY_AFTER_S) }),
    expected: { type: "Resolved", reason: "RateLimited", message: /too many requests/ },
    retryAfterMs: RETRY_AFTER_S * 1000,
  },
  { name: "500", fault: failing(500), expected: away(/answered 500/) },
  { name: "a body that breaks off", fault: spoil(isBlob, breakOff), expected: away(/./) },
  { name: "a body that ends early", fault: spoil(isBlob, endEarly), expected: away(/ended after \d+ of \d+ bytes/) },
  { name: "a blob of another digest", fault: spoil(isBlob, change), expected: mismatch },
  { name: "a manifest of another digest", fault: spoil(isManifestByDigest, change), expected: mismatch },
  { name: "a token that has expired", fault: expired(true) },
  { name: "a token that has expired, and no other", fault: expired(false), expected: unauthorized },
  { name: "a few bytes at a time", fault: spoil(isBlob, dribble) },
  {
    name: "silence",
    fault: () => undefined,
    expected: { type: "Resolved", reason: "Timeout", message: /./ },
  },
];
