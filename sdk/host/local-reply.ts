import type { LocalReply } from "./context.js";
import { HeaderMap } from "./header-map.js";

export interface EncodedReply {
  headers: HeaderMap;
  /** Undefined where the headers end the response. */
  body: Uint8Array | undefined;
}

/* https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
const GRPC_STATUS: Record<number, number> = { 400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14 };
const GRPC_UNKNOWN = 2;

/** The gRPC status that an HTTP status stands for. */
export function grpcStatusOf(status: number): number {
  return GRPC_STATUS[status] ?? GRPC_UNKNOWN;
}

/** The response that Envoy makes of a local reply; one of gRPC where the request was of gRPC. */
export function encodeLocalReply(reply: LocalReply, request: HeaderMap | undefined): EncodedReply {
  const headers = HeaderMap.from({ ":status": String(reply.status) });
  for (const [name, value] of reply.headers) headers.add(name, value);
  const head = request?.get(":method") === "HEAD";
  if (/^application\/grpc(?:$|\+)/.test(request?.get("content-type") ?? "")) {
    headers.setInPlace(":status", "200");
    headers.setInPlace("content-type", "application/grpc");
    const status = reply.grpcStatus ?? grpcStatusOf(reply.status);
    if ((headers.get("grpc-status") ?? "") === "") headers.setInPlace("grpc-status", String(status));
    if (reply.body.length > 0 && !head) headers.setInPlace("grpc-message", percentEncode(reply.body));
    return { headers, body: undefined };
  }
  if (reply.body.length === 0) {
    headers.remove("content-length");
    headers.remove("content-type");
    return { headers, body: undefined };
  }
  headers.setInPlace("content-length", String(reply.body.length));
  if (headers.get("content-type") === undefined) headers.setInPlace("content-type", "text/plain");
  return { headers, body: head ? undefined : reply.body };
}

function percentEncode(bytes: Uint8Array): string {
  return [...bytes]
    .map((byte) =>
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
        : String.fromCharCode(byte),
    )
    .join("");
}
