/* A whole exchange as Envoy plays it: connection manager, the plugin, router, upstream. */
import type { LocalReply } from "./context.js";
import { type HeaderInit, type HeaderList, HeaderMap } from "./header-map.js";
import type { HttpStream } from "./http-stream.js";
import type { Passed } from "./passed.js";
import type { StreamOptions } from "./stream-options.js";

/** What the client sends. */
export interface ExchangeRequest extends Omit<StreamOptions, "protocol"> {
  /** Default GET. */
  method?: string;
  /** Default "/". */
  path?: string;
  /** Default "example.test". */
  authority?: string;
  headers?: HeaderInit;
  /** One text, or the chunks in which it arrives. */
  body?: string | Uint8Array | readonly (string | Uint8Array)[];
  trailers?: HeaderInit;
  /** Default "HTTP/1.1": the end of a body is a part of its own there; "HTTP/2" ends with the last bytes. */
  protocol?: "HTTP/1.1" | "HTTP/2";
}

/** What the upstream got. */
export interface UpstreamRequest {
  method: string;
  path: string;
  authority: string;
  headers: HeaderList;
  body: Uint8Array;
  trailers: HeaderList | undefined;
}

/** What the upstream answers. */
export interface UpstreamResponse {
  /** Default 200. */
  status?: number;
  headers?: HeaderInit;
  body?: string | Uint8Array | readonly (string | Uint8Array)[];
  trailers?: HeaderInit;
}

/** Answers what reaches the upstream. Default: 200 without a body. */
export type UpstreamHandler = (request: UpstreamRequest) => UpstreamResponse | Promise<UpstreamResponse>;

/** What the client saw. */
export interface ExchangeResponse {
  status: number;
  headers: HeaderList;
  body: Uint8Array;
  text: string;
  trailers: HeaderList | undefined;
}

/** What came of `host.request`. It goes on changing while the plugin waits for a call. */
export interface Exchange {
  /** Undefined while the plugin holds the exchange back, and where the stream was reset. */
  readonly response: ExchangeResponse | undefined;
  /** The request as the upstream got it; undefined where it did not. */
  readonly upstreamRequest: UpstreamRequest | undefined;
  readonly localResponse: LocalReply | undefined;
  /** The connection was cut without a response. */
  readonly reset: boolean;
  /** Nothing more will happen. */
  readonly finished: boolean;
  readonly routeCacheClears: readonly ("headers" | "call")[];
  readonly stream: HttpStream;
  /** Waits for an upstream that answers later, for example after the test has answered a call. */
  settled(): Promise<void>;
}

/* Methods whose requests need not say that they have no body. */
const BODILESS = new Set(["GET", "HEAD", "DELETE", "TRACE", "CONNECT"]);
const REQUEST_ID = "00000000-0000-4000-8000-000000000000";
/* The router adds it before the filters see the response. */
const SERVICE_TIME = "x-envoy-upstream-service-time";
const ROUTER_TIMEOUT_MS = 15_000;
const PER_TRY = "x-envoy-upstream-rq-per-try-timeout-ms";
/* What the router reads and does not pass on. */
const ROUTER_ONLY = [
  "x-envoy-hedge-on-per-try-timeout",
  "x-envoy-max-retries",
  "x-envoy-retriable-header-names",
  "x-envoy-retriable-status-codes",
  "x-envoy-retry-grpc-on",
  "x-envoy-retry-on",
  "x-envoy-upstream-rq-timeout-ms",
  PER_TRY,
];

/** The request as the filter sees it. */
export function requestHeaders(request: ExchangeRequest): HeaderMap {
  const map = HeaderMap.from({ ":authority": request.authority ?? "example.test" });
  map.add(":path", request.path ?? "/");
  map.add(":method", request.method ?? "GET");
  map.add(":scheme", "http");
  for (const [name, value] of HeaderMap.from(request.headers ?? []).toList()) map.add(name, value);
  const chunks = chunksOf(request.body);
  const framed = request.protocol !== "HTTP/2" && map.get("content-length") === undefined;
  const bodyExpected = chunks.length === 1 || (chunks.length === 0 && !BODILESS.has(request.method ?? "GET"));
  if (framed && bodyExpected && request.trailers === undefined) {
    map.add("content-length", String(Buffer.from(chunks[0] ?? "").length));
  }
  if (map.get("x-forwarded-proto") === undefined) map.add("x-forwarded-proto", "http");
  if (map.get("x-request-id") === undefined) map.add("x-request-id", REQUEST_ID);
  return map;
}

/** Sends all parts of the request. */
export function sendRequest(stream: HttpStream, request: ExchangeRequest): void {
  const chunks = chunksOf(request.body);
  const more = chunks.length > 0 || request.trailers !== undefined;
  stream.requestHeaders(requestHeaders(request).toList(), { endOfStream: !more });
  if (!more) return;
  for (const { bytes, end } of framed(chunks, request.trailers !== undefined, request.protocol)) {
    if (!stream.closed) stream.requestBody(bytes, { endOfStream: end });
  }
  if (request.trailers !== undefined && !stream.closed) stream.requestTrailers(request.trailers);
}

/** Why the request would not leave Envoy, or not arrive whole; undefined where all is well. */
export function routeProblem({ headers = [] }: Passed): string | undefined {
  // The route table answers only where this header says how the request came.
  return HeaderMap.from(headers).get("x-forwarded-proto") === undefined ? "route_not_found" : undefined;
}

/** Bytes that the content-length promises and the body does not have. */
export function missingBytes({ headers = [], body, headersOnly }: Passed): number {
  const length = HeaderMap.from(headers).get("content-length");
  return length === undefined || headersOnly ? 0 : Math.max(0, Number(length) - body.length);
}

/** What the router adds to a request; the plugin sees it in the log phase. */
export function routeHeaders(map: HeaderMap): void {
  if (map.get("x-forwarded-proto") === undefined) return;
  const timeouts = [map.get("x-envoy-upstream-rq-timeout-ms") ?? ROUTER_TIMEOUT_MS, map.get(PER_TRY) ?? "0"].map(
    Number,
  );
  map.setInPlace("x-envoy-expected-rq-timeout-ms", String(Math.min(...timeouts.filter((ms) => ms > 0))));
  for (const name of ROUTER_ONLY) map.remove(name);
}

/** What the connection manager adds to a response. */
export function finishResponse(map: HeaderMap, date: Date): void {
  map.setInPlace("date", date.toUTCString());
  map.setInPlace("server", "envoy");
}

/** Sends all parts of the response. */
export function sendResponse(stream: HttpStream, response: UpstreamResponse, protocol?: string): void {
  const { status = 200, headers = [], trailers } = response;
  const map = HeaderMap.from({ ":status": String(status) });
  for (const [name, value] of HeaderMap.from(headers).toList()) map.add(name, value);
  const chunks = chunksOf(response.body);
  const more = chunks.length > 0 || trailers !== undefined;
  if (protocol !== "HTTP/2") frameHeaders(map, chunks, trailers !== undefined);
  if (map.get(SERVICE_TIME) === undefined) map.add(SERVICE_TIME, "0");
  stream.responseHeaders(map.toList(), { endOfStream: !more });
  if (!more) return;
  for (const { bytes, end } of framed(chunks, trailers !== undefined, protocol)) {
    if (!stream.closed) stream.responseBody(bytes, { endOfStream: end });
  }
  if (trailers !== undefined && !stream.closed) stream.responseTrailers(trailers);
}

/**
 * What the router makes of the request, and the codec of HTTP/1.1: a length for a request without body, no trailers
 * where a length was given.
 */
export function toUpstreamRequest(
  { headers = [], body, trailers, headersOnly }: Passed,
  http1: boolean,
): UpstreamRequest {
  const map = HeaderMap.from(headers);
  const request = {
    method: map.get(":method") ?? "",
    path: map.get(":path") ?? "",
    authority: map.get(":authority") ?? "",
  };
  const length = map.get("content-length");
  if (http1 && headersOnly && length === undefined && !BODILESS.has(request.method)) map.add("content-length", "0");
  const list = map.toList().filter(([name]) => !name.startsWith(":"));
  return { ...request, headers: list, body, trailers: http1 && length !== undefined ? undefined : trailers };
}

/** Undefined where the client is still waiting, or was cut off before it had everything. */
export function toExchangeResponse(
  { headers, body, trailers, ended, headersOnly }: Passed,
  http1: boolean,
): ExchangeResponse | undefined {
  if (headers === undefined) return undefined;
  const map = HeaderMap.from(headers);
  const status = Number(map.get(":status"));
  const length = map.get("content-length");
  const enough = length !== undefined && body.length >= Number(length);
  if (http1 ? !(enough || (ended && (length === undefined || headersOnly))) : !ended) return undefined;
  if (http1 && headersOnly && length === undefined && status !== 204 && status !== 304) map.add("content-length", "0");
  const list = map.toList().filter(([name]) => name !== ":status" && name !== "transfer-encoding");
  const text = Buffer.from(body).toString("utf8");
  return { status, headers: list, body, text, trailers: http1 && length !== undefined ? undefined : trailers };
}

function chunksOf(body: UpstreamResponse["body"]): (string | Uint8Array)[] {
  const list = body === undefined ? [] : typeof body === "string" || body instanceof Uint8Array ? [body] : [...body];
  return list.filter((chunk) => chunk.length > 0);
}

/* What a server that speaks HTTP/1.1 says of the body. */
function frameHeaders(map: HeaderMap, chunks: readonly (string | Uint8Array)[], hasTrailers: boolean): void {
  const status = Number(map.get(":status"));
  if (map.get("content-length") !== undefined || status === 204 || status === 304) return;
  if (hasTrailers || chunks.length > 1) map.add("transfer-encoding", "chunked");
  else map.add("content-length", String(Buffer.from(chunks[0] ?? "").length));
}

/* HTTP/1.1 says that a body has ended in a part of its own. */
function framed(
  chunks: readonly (string | Uint8Array)[],
  hasTrailers: boolean,
  protocol = "HTTP/1.1",
): { bytes: string | Uint8Array; end: boolean }[] {
  const parts = chunks.map((bytes) => ({ bytes, end: false }));
  if (hasTrailers) return parts;
  const last = parts.at(-1);
  if (protocol === "HTTP/1.1" || last === undefined) return [...parts, { bytes: "", end: true }];
  last.end = true;
  return parts;
}
