import type { Pair } from "./pairs.js";

/** Values are byte strings: one character per byte (latin1), as Envoy keeps them. */
export type HeaderList = readonly Pair[];
/** Headers as a list of pairs, or as an object; a list of values repeats the header. */
export type HeaderInit = HeaderList | Readonly<Record<string, string | readonly string[]>>;

/*
 * Headers for which Envoy has a slot of their own; a second value is appended with a comma. The list is that of
 * envoy/http/header_map.h and of the headers that extensions of the stock binary register.
 */
const SINGLE = new Set(
  `:authority :method :path :scheme :status :protocol accept accept-encoding accept-language
  access-control-allow-origin access-control-request-headers access-control-request-method authorization cache-control
  connection content-encoding content-length content-type date etag expect grpc-accept-encoding grpc-message grpc-status
  grpc-timeout if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive location
  origin proxy-connection proxy-status referer server te transfer-encoding upgrade user-agent vary via
  x-client-trace-id x-envoy-attempt-count x-envoy-decorator-operation x-envoy-degraded
  x-envoy-downstream-service-cluster x-envoy-downstream-service-node x-envoy-expected-rq-timeout-ms
  x-envoy-external-address x-envoy-force-trace x-envoy-hedge-on-per-try-timeout x-envoy-immediate-health-check-fail
  x-envoy-internal x-envoy-ip-tags x-envoy-is-timeout-retry x-envoy-max-retries x-envoy-original-path
  x-envoy-original-url x-envoy-ratelimited x-envoy-retriable-header-names x-envoy-retriable-status-codes
  x-envoy-retry-grpc-on x-envoy-retry-on x-envoy-upstream-alt-stat-name x-envoy-upstream-canary
  x-envoy-upstream-healthchecked-cluster x-envoy-upstream-rq-per-try-timeout-ms x-envoy-upstream-rq-timeout-alt-response
  x-envoy-upstream-rq-timeout-ms x-envoy-upstream-service-time x-envoy-upstream-stream-duration-ms
  x-forwarded-client-cert x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-request-id`
    .split(/\s+/)
    .filter((name) => name !== ""),
);

/** Envoy's header map: names in lower case, in order, pseudo headers first. */
export class HeaderMap {
  #entries: { name: string; value: string }[] = [];

  /** Makes a map of these headers. */
  static from(init: HeaderInit = []): HeaderMap {
    const map = new HeaderMap();
    if (Array.isArray(init)) for (const [name, value] of init as HeaderList) map.add(name, value);
    else {
      for (const [name, value] of Object.entries(init as Record<string, string | readonly string[]>)) {
        for (const one of typeof value === "string" ? [value] : value) map.add(name, one);
      }
    }
    return map;
  }

  /** Number of headers, repeated ones counted. */
  get size(): number {
    return this.#entries.length;
  }

  /** Bytes of all names and values. */
  get byteSize(): number {
    return this.#entries.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
  }

  /** The first value. */
  get(name: string): string | undefined {
    const key = name.toLowerCase();
    return this.#entries.find((entry) => entry.name === key)?.value;
  }

  /** Every value, in order. */
  all(name: string): string[] {
    const key = name.toLowerCase();
    return this.#entries.filter((entry) => entry.name === key).map((entry) => entry.value);
  }

  /** Adds a value. A header that Envoy keeps once gets it behind a comma. */
  add(name: string, value: string): void {
    const key = name.toLowerCase();
    const existing = SINGLE.has(key) ? this.#entries.find((entry) => entry.name === key) : undefined;
    if (existing !== undefined) existing.value = existing.value === "" ? value : `${existing.value},${value}`;
    else if (key.startsWith(":")) this.#entries.splice(this.#pseudoCount(), 0, { name: key, value });
    else this.#entries.push({ name: key, value });
  }

  /** All values go, and the new one comes at the end. */
  set(name: string, value: string): void {
    this.remove(name);
    this.add(name, value);
  }

  /** As Envoy itself sets a header for which it has a slot: it stays where it is. */
  setInPlace(name: string, value: string): void {
    const existing = this.#entries.find((entry) => entry.name === name);
    if (existing === undefined) this.add(name, value);
    else existing.value = value;
  }

  /** Removes every value. */
  remove(name: string): void {
    const key = name.toLowerCase();
    this.#entries = this.#entries.filter((entry) => entry.name !== key);
  }

  /** Removes all headers. */
  clear(): void {
    this.#entries = [];
  }

  /** All headers in order. */
  toList(): Pair[] {
    return this.#entries.map(({ name, value }) => [name, value] as const);
  }

  /** A copy that changes by itself. */
  clone(): HeaderMap {
    return HeaderMap.from(this.toList());
  }

  #pseudoCount(): number {
    return this.#entries.filter((entry) => entry.name.startsWith(":")).length;
  }
}
