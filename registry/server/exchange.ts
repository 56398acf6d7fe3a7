import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { BlobStore, ManifestStore, UploadStore } from "./storage.js";

/** What the handlers of requests work with. */
export interface Stores {
  readonly blobs: BlobStore;
  readonly uploads: UploadStore;
  readonly manifests: ManifestStore;
  readonly maxUploadBytes: number;
}

/** One request and its answer. */
export interface Exchange extends Stores {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** Whether whoever asks may also read this repository, as mounting from it is. */
  mayPull(name: string): boolean;
}

export function sendEmpty({ response }: Exchange, status: number, headers: OutgoingHttpHeaders): void {
  response.writeHead(status, status === 204 ? headers : { ...headers, "Content-Length": 0 }).end();
}

/** Sends a body; of a HEAD request the headers only. */
export function sendBytes(
  { request, response }: Pick<Exchange, "request" | "response">,
  status: number,
  bytes: Uint8Array,
  headers: OutgoingHttpHeaders,
): void {
  response.writeHead(status, { ...headers, "Content-Length": bytes.byteLength });
  response.end(request.method === "HEAD" ? undefined : bytes);
}

export function sendJson(
  exchange: Pick<Exchange, "request" | "response">,
  status: number,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  const bytes = Buffer.from(JSON.stringify(value));
  sendBytes(exchange, status, bytes, { "Content-Type": "application/json", ...headers });
}

/** The body in pieces. Leaving the loop early leaves the connection open, so that an answer can still be sent. */
export function bodyOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) };
}
