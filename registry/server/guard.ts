import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ApiError } from "./errors.js";
import type { Route } from "./routes.js";

/** Who may use a registry. Users may do everything; without a name one may pull at most. */
export interface Authentication {
  /** `token`: clients fetch a short-lived token for what they want to do, and the password travels less often. */
  readonly scheme: "basic" | "token";
  /** Whether this is the user's password. */
  readonly verify: (user: string, password: string) => Promise<boolean>;
  /** Whether reading needs no user. Default: false. */
  readonly anonymousPull?: boolean;
}

export type Action = "pull" | "push" | "delete";

/** Lets requests pass, or refuses them. */
export interface Guard {
  /** Throws ApiError 401 with a challenge, or 403. Returns whether the same client may read another repository. */
  admit(request: IncomingMessage, route: Route): Promise<(name: string) => boolean>;
  /** Answers a request for a token, if tokens are in use. Throws ApiError 401. */
  issue(request: IncomingMessage, query: URLSearchParams): Promise<TokenResponse | undefined>;
}

/** https://distribution.github.io/distribution/spec/auth/token/ */
export interface TokenResponse {
  readonly token: string;
  readonly access_token: string;
  readonly expires_in: number;
  readonly issued_at: string;
}

interface Grant {
  readonly type: "repository";
  readonly name: string;
  readonly actions: readonly Action[];
}

interface Claims {
  readonly sub: string;
  readonly exp: number;
  readonly access: readonly Grant[];
}

export const TOKEN_PATH = "/token";
const SERVICE = "weft-registry";
const LIFE_S = 300;
const MAX_SCOPES = 20;
const MAX_HEADER = 16 * 1024;
/** Verified passwords, by a hash with a key of this process: their hashes on disk are slow to check on purpose. */
const MAX_VERIFIED = 1000;

/** `base` is how a client reached the registry, for example `http://127.0.0.1:5000`. */
export function createGuard(
  { scheme, verify, anonymousPull = false }: Authentication,
  base: (request: IncomingMessage) => string,
): Guard {
  const key = randomBytes(32);
  const verified = new Set<string>();

  const userOf = async (request: IncomingMessage): Promise<string | undefined> => {
    const credentials = basicOf(request);
    if (credentials === undefined) return undefined;
    const { user, password } = credentials;
    const seen = createHmac("sha256", key).update(`${user}\0${password}`).digest("hex");
    if (!verified.has(seen)) {
      if (!(await verify(user, password))) throw unauthorized(request, "the user name or the password is wrong");
      if (verified.size >= MAX_VERIFIED) verified.clear();
      verified.add(seen);
    }
    return user;
  };

  const unauthorized = (request: IncomingMessage, message: string, scope?: string): ApiError => {
    const parameters =
      scheme === "basic" ? `realm="${SERVICE}"` : `realm="${base(request)}${TOKEN_PATH}",service="${SERVICE}"`;
    const scoped = scheme === "token" && scope !== undefined ? `,scope="${scope}"` : "";
    const challenge = `${scheme === "basic" ? "Basic" : "Bearer"} ${parameters}${scoped}`;
    return new ApiError(401, "UNAUTHORIZED", message, { "WWW-Authenticate": challenge });
  };

  const bearerOf = (request: IncomingMessage): Claims | undefined => {
    const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
    return token === undefined ? undefined : openToken(token, key);
  };

  return {
    async admit(request, route) {
      const needed = neededBy(request.method ?? "GET", route);
      const reads = needed.actions.every((action) => action === "pull");
      if (scheme === "basic") {
        const user = await userOf(request);
        const open = anonymousPull && reads && route.kind !== "base";
        if (user === undefined && !open) throw unauthorized(request, "a user name and password are needed");
        return () => user !== undefined || anonymousPull;
      }
      const claims = bearerOf(request);
      if (claims === undefined) throw unauthorized(request, "a token is needed", needed.scope);
      const allows = (name: string, action: Action): boolean =>
        claims.access.some((grant) => grant.name === name && grant.actions.includes(action));
      if (route.kind !== "base" && !needed.actions.every((action) => allows(route.name, action)))
        throw unauthorized(request, `the token does not cover ${needed.scope}`, needed.scope);
      return (name) => allows(name, "pull");
    },
    async issue(request, query) {
      if (scheme === "basic") return undefined;
      const user = await userOf(request);
      if (user === undefined && !anonymousPull) throw basicChallenge();
      const scopes = query
        .getAll("scope")
        .flatMap((text) => text.split(" "))
        .slice(0, MAX_SCOPES);
      const access = scopes.flatMap((scope) => grantOf(scope, user !== undefined) ?? []);
      const nowMs = Date.now();
      const token = sealToken({ sub: user ?? "", exp: Math.floor(nowMs / 1000) + LIFE_S, access }, key);
      return { token, access_token: token, expires_in: LIFE_S, issued_at: new Date(nowMs).toISOString() };
    },
  };
}

function basicChallenge(): ApiError {
  return new ApiError(401, "UNAUTHORIZED", "a user name and password are needed", {
    "WWW-Authenticate": `Basic realm="${SERVICE}"`,
  });
}

/** What a request does to its repository. */
function neededBy(
  method: string,
  route: Route,
): { readonly actions: readonly Action[]; readonly scope: string | undefined } {
  if (route.kind === "base") return { actions: [], scope: undefined };
  const reads = method === "GET" || method === "HEAD";
  const isUpload = route.kind === "upload" || route.kind === "uploads";
  const action: Action = isUpload ? "push" : reads ? "pull" : method === "DELETE" ? "delete" : "push";
  const asked = action === "push" ? "pull,push" : action;
  return { actions: [action], scope: `repository:${route.name}:${asked}` };
}

function grantOf(scope: string, isUser: boolean): Grant | undefined {
  const [, name, actions] = /^repository:(.+):([a-z,*]+)$/.exec(scope) ?? [];
  if (name === undefined || actions === undefined) return undefined;
  const asked = actions.split(",");
  const possible: readonly Action[] = isUser ? ["pull", "push", "delete"] : ["pull"];
  return { type: "repository", name, actions: possible.filter((a) => asked.includes(a) || asked.includes("*")) };
}

function basicOf({ headers }: IncomingMessage): { readonly user: string; readonly password: string } | undefined {
  const { authorization = "" } = headers;
  const [, encoded] = authorization.length <= MAX_HEADER ? (/^Basic +(\S+)$/i.exec(authorization) ?? []) : [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function sealToken(claims: Claims, key: Buffer): string {
  const body = Buffer.from(JSON.stringify(claims)).toString("base64url");
  return `${body}.${signatureOf(body, key).toString("base64url")}`;
}

/** What a token says; undefined where it is not ours or too old. */
function openToken(token: string, key: Buffer): Claims | undefined {
  const [body = "", signature = ""] = token.split(".");
  const given = Buffer.from(signature, "base64url");
  const expected = signatureOf(body, key);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const claims = JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as Claims;
  return claims.exp * 1000 > Date.now() ? claims : undefined;
}

function signatureOf(body: string, key: Buffer): Buffer {
  return createHmac("sha256", key).update(`token\0${body}`).digest();
}
