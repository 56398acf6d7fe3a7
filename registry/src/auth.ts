import { discardBody, readBody } from "./body.js";
import { type Challenge, mergeScopes, parseChallenges } from "./challenge.js";
import type { CredentialSource, Credentials } from "./credentials.js";
import { RegistryError } from "./error.js";
import { networkError } from "./network-error.js";
import { responseError } from "./response-error.js";

/** Finds the Authorization header of a request to a registry, and remembers what worked. */
export interface Authorizer {
  /** The header to send at first: what the registry wanted the last time, if that is known. */
  initial(registry: string, scope: string): Promise<string | undefined>;
  /**
   * The header to send after a 401, or undefined if there is nothing better than what was `sent`.
   * Throws RegistryError if the token server refuses.
   */
  answer(
    registry: string,
    scope: string,
    response: Response,
    sent: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined>;
  /** Why there are no credentials for the registry, where a user can do something about it. */
  missingReason(registry: string): Promise<string | undefined>;
}

export interface AuthorizerOptions {
  readonly credentials: CredentialSource;
  readonly fetch: (url: URL, init: RequestInit, registry: string) => Promise<Response>;
  /** Throws if a URL may not be used for that registry. */
  readonly checkUrl: (url: URL, registry: string) => void;
}

interface Token {
  readonly header: string;
  readonly expiresAtMs: number;
}

const MAX_TOKEN_BYTES = 128 * 1024;
/** https://distribution.github.io/distribution/spec/auth/token/#token-response-fields */
const DEFAULT_EXPIRES_IN_SECONDS = 60;
/** A token that is about to expire would be refused on arrival. */
const EXPIRY_MARGIN_MS = 5_000;
const CLIENT_ID = "weft";

/**
 * Basic and token authentication by the registry's challenge.
 * https://distribution.github.io/distribution/spec/auth/token/
 */
export function createAuthorizer({ credentials, fetch, checkUrl }: AuthorizerOptions): Authorizer {
  /** By registry and scope. Bounded by what is used: expired ones go when a new one comes. */
  const tokens = new Map<string, Token>();
  const basicRegistries = new Set<string>();
  const keyOf = (registry: string, scope: string): string => `${registry} ${scope}`;

  const remember = (key: string, token: Token): void => {
    const nowMs = Date.now();
    for (const [other, { expiresAtMs }] of tokens) if (expiresAtMs <= nowMs) tokens.delete(other);
    tokens.set(key, token);
  };

  const requestToken = async (
    registry: string,
    scopes: readonly string[],
    challenge: Challenge,
    signal: AbortSignal,
  ): Promise<Token> => {
    const { realm = "", service } = challenge.parameters;
    const url = parseRealm(realm, registry);
    checkUrl(url, registry);
    const found = await credentials(registry);
    const subject = `token server ${url.origin} of ${registry}`;
    const fetchToken = async (init: RequestInit): Promise<Response> => {
      try {
        return await fetch(url, { ...init, redirect: "manual", signal }, registry);
      } catch (error) {
        throw networkError(error, subject, url);
      }
    };
    if (found?.kind === "identity-token") {
      const form = new URLSearchParams({ grant_type: "refresh_token", client_id: CLIENT_ID });
      if (service !== undefined) form.set("service", service);
      if (scopes.length > 0) form.set("scope", scopes.join(" "));
      form.set("refresh_token", found.token);
      const response = await fetchToken({ method: "POST", body: form });
      // A server without OAuth2 has nothing at POST; then the anonymous way may still do.
      if (response.status !== 404 && response.status !== 405) return readToken(response, subject);
      await discardBody(response);
    }
    if (service !== undefined) url.searchParams.set("service", service);
    for (const scope of scopes) url.searchParams.append("scope", scope);
    const headers = found?.kind === "basic" ? { authorization: basicHeader(found) } : {};
    return readToken(await fetchToken({ method: "GET", headers }), subject);
  };

  return {
    async initial(registry, scope) {
      const token = tokens.get(keyOf(registry, scope));
      if (token !== undefined && token.expiresAtMs > Date.now()) return token.header;
      if (!basicRegistries.has(registry)) return undefined;
      const found = await credentials(registry);
      return found?.kind === "basic" ? basicHeader(found) : undefined;
    },

    async answer(registry, scope, response, sent, signal) {
      const challenges = parseChallenges(response.headers.get("www-authenticate") ?? "");
      const bearer = challenges.find(({ scheme }) => scheme === "bearer");
      const found = await credentials(registry);
      if (bearer !== undefined) {
        const direct = found?.kind === "registry-token" ? `Bearer ${found.token}` : undefined;
        if (direct !== undefined) return direct === sent ? undefined : direct;
        const key = keyOf(registry, scope);
        const scopes = mergeScopes([scope, bearer.parameters.scope ?? ""]);
        const token = await requestToken(registry, scopes, bearer, signal);
        remember(key, token);
        return token.header;
      }
      if (!challenges.some(({ scheme }) => scheme === "basic") || found?.kind !== "basic") return undefined;
      basicRegistries.add(registry);
      const header = basicHeader(found);
      return header === sent ? undefined : header;
    },

    async missingReason(registry) {
      const found = await credentials(registry);
      return found?.kind === "none" ? found.reason : undefined;
    },
  };
}

function basicHeader({ username, password }: Extract<Credentials, { kind: "basic" }>): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

function parseRealm(realm: string, registry: string): URL {
  if (URL.canParse(realm)) return new URL(realm);
  throw new RegistryError(
    "protocol",
    `${registry}: the token server that it names, ${JSON.stringify(realm)}, is no URL`,
  );
}

async function readToken(response: Response, subject: string): Promise<Token> {
  if (response.status !== 200) throw await responseError(response, subject);
  const bytes = await readBody(response, { maxBytes: MAX_TOKEN_BYTES, what: `the answer of the ${subject}` });
  const { token, access_token: accessToken, expires_in: expiresIn } = parseTokenJson(bytes, subject);
  const value = [token, accessToken].find((text) => typeof text === "string" && text !== "");
  // The token becomes a header; a line break in it would make two.
  if (typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value)) {
    throw new RegistryError("protocol", `${subject}: its answer has no usable token`);
  }
  const seconds = typeof expiresIn === "number" && expiresIn > 0 ? expiresIn : DEFAULT_EXPIRES_IN_SECONDS;
  return { header: `Bearer ${value}`, expiresAtMs: Date.now() + seconds * 1000 - EXPIRY_MARGIN_MS };
}

function parseTokenJson(bytes: Uint8Array, subject: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof json === "object" && json !== null) return json as Record<string, unknown>;
  } catch {
    // The parser's message quotes the body, which holds the token.
  }
  throw new RegistryError("protocol", `${subject}: its answer is not a JSON object`);
}
