import { createAuthorizer } from "./auth.js";
import { discardBody } from "./body.js";
import type { RegistryFetch } from "./connections.js";
import type { CredentialSource } from "./credentials.js";
import { createDeadline, type Deadline } from "./deadline.js";
import { RegistryError } from "./error.js";
import { networkError } from "./network-error.js";
import { apiHost } from "./reference.js";
import { responseError } from "./response-error.js";
import { type RetryPolicy, retrying } from "./retry.js";

export interface TransportOptions {
  readonly isPlainHttp: (host: string) => boolean;
  readonly credentials: CredentialSource;
  readonly fetch: RegistryFetch;
  readonly retry: RetryPolicy;
  /** How long a registry may be silent, in addition to what the bytes themselves need at the slowest. */
  readonly timeoutMs: number;
  /** Hears of the `Warning` headers of registries. */
  readonly warn: (registry: string, header: string | null) => void;
}

export interface Exchange {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** Whose credentials are used. They are sent to this registry only. */
  readonly registry: string;
  readonly url: URL;
  /** What the request needs, for example `repository:plugins/retry:pull`. */
  readonly scope: string;
  /** What is asked for, in messages. */
  readonly subject: string;
  /** Statuses that are a success. */
  readonly expect: readonly number[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** False for what must not be sent twice. Default: true. */
  readonly retry?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** HTTP to registries: addresses, authentication, redirects, retries and time limits. */
export interface Transport {
  readonly retry: RetryPolicy;
  /** The address of `path` (from `/v2/` on) at a registry. */
  url(registry: string, path: string): URL;
  /** Sends a request, and passes a successful answer to `read`, within the same limits and retries. */
  send<T>(exchange: Exchange, read: (response: Response) => Promise<T>): Promise<T>;
}

const MAX_REDIRECTS = 5;
/** Slower than this is a failure. */
const SLOWEST_BYTES_PER_MS = 64;
const LONGEST_MS = 24 * 3_600_000;

export function createTransport(options: TransportOptions): Transport {
  const { isPlainHttp, fetch, retry, timeoutMs, warn } = options;

  const baseOf = (registry: string): URL => {
    return new URL(`${isPlainHttp(registry) ? "http" : "https"}://${apiHost(registry)}`);
  };
  const checkUrl = (url: URL, registry: string): void => {
    // The registry's own address was decided already; a URL drops the default port, which the name may have.
    if (url.origin === baseOf(registry).origin) return;
    if (url.protocol === "https:" || (url.protocol === "http:" && isPlainHttp(url.host))) return;
    throw new RegistryError(
      "protocol",
      `${registry}: it sends us to ${url.protocol}//${url.host}, which is not HTTPS`,
      {
        hint: `if ${url.host} may use plain HTTP, name it in plainHttp`,
      },
    );
  };
  const authorizer = createAuthorizer({
    credentials: options.credentials,
    fetch: (url, init, registry) => fetch(url, init, { registry, isHome: url.origin === baseOf(registry).origin }),
    checkUrl,
  });

  const attempt = async <T>(
    exchange: Exchange,
    deadline: Deadline,
    read: (response: Response) => Promise<T>,
  ): Promise<T> => {
    const { registry, scope, subject } = exchange;
    const { origin } = baseOf(registry);
    let url = exchange.url;
    let isHome = url.origin === origin;
    let authorization = isHome ? await authorizer.initial(registry, scope) : undefined;
    let challenged = false;
    for (let redirects = 0; ; ) {
      checkUrl(url, registry);
      const response = await request(exchange, url, isHome, authorization, deadline);
      if (isHome) warn(registry, response.headers.get("warning"));
      if (response.status === 401 && isHome && !challenged) {
        const better = await authorizer.answer(registry, scope, response, authorization, deadline.signal);
        challenged = true;
        if (better !== undefined) {
          await discardBody(response);
          authorization = better;
          continue;
        }
      }
      const target = redirectTarget(response, exchange, url);
      if (target !== undefined) {
        await discardBody(response);
        redirects += 1;
        if (redirects > MAX_REDIRECTS) {
          throw new RegistryError("protocol", `${subject}: more than ${MAX_REDIRECTS} redirects`);
        }
        // Once away from the registry, credentials never come back: whoever redirects us there chose the address.
        isHome &&= target.origin === url.origin;
        if (!isHome) authorization = undefined;
        url = target;
        continue;
      }
      if (!exchange.expect.includes(response.status)) {
        const reason = response.status === 401 ? await authorizer.missingReason(registry) : undefined;
        throw await responseError(response, subject, reason);
      }
      deadline.restart(timeLimitMs(timeoutMs, Number(response.headers.get("content-length") ?? 0)));
      return await read(response);
    }
  };

  const request = async (
    exchange: Exchange,
    url: URL,
    isHome: boolean,
    authorization: string | undefined,
    deadline: Deadline,
  ): Promise<Response> => {
    deadline.restart(timeLimitMs(timeoutMs, exchange.body?.byteLength ?? 0));
    const headers: Record<string, string> = {
      "accept-encoding": "identity",
      "user-agent": "weft",
      ...exchange.headers,
    };
    if (authorization !== undefined) headers.authorization = authorization;
    const { method, body, subject } = exchange;
    try {
      const init = { method, headers, redirect: "manual", signal: deadline.signal } as const;
      const place = { registry: exchange.registry, isHome };
      return await fetch(url, body === undefined ? init : { ...init, body }, place);
    } catch (error) {
      throw networkError(error, subject, url);
    }
  };

  return {
    retry,
    url: (registry, path) => new URL(path, baseOf(registry)),
    send(exchange, read) {
      const once = async () => {
        const deadline = createDeadline(exchange.signal);
        try {
          return await attempt(exchange, deadline, read);
        } catch (error) {
          exchange.signal?.throwIfAborted();
          if (deadline.expired) {
            throw new RegistryError("timeout", `${exchange.subject}: ${exchange.url.origin} did not answer in time`, {
              hint: "check that the registry is well and the network fast enough",
              retryable: true,
              cause: error,
            });
          }
          throw error instanceof RegistryError ? error : networkError(error, exchange.subject, exchange.url);
        } finally {
          deadline.dispose();
        }
      };
      return exchange.retry === false ? once() : retrying(once, retry, exchange.signal);
    },
  };
}

/** How long a transfer of so many bytes may take. */
function timeLimitMs(timeoutMs: number, bytes: number): number {
  return Math.min(timeoutMs + bytes / SLOWEST_BYTES_PER_MS, LONGEST_MS);
}

/** Where a redirect leads; undefined if the answer is none. */
function redirectTarget(response: Response, { method, subject }: Exchange, url: URL): URL | undefined {
  const { status } = response;
  const location = response.headers.get("location");
  if (![301, 302, 303, 307, 308].includes(status) || location === null) return undefined;
  const keepsMethod = status === 307 || status === 308 || method === "GET" || method === "HEAD";
  if (!keepsMethod || !URL.canParse(location, url.href)) {
    throw new RegistryError(
      "protocol",
      `${subject}: the registry answered ${method} with an unusable redirect (${status})`,
      {
        status,
      },
    );
  }
  return new URL(location, url);
}
