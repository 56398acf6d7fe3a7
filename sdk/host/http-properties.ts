/* Attributes of an HTTP stream that the host knows itself, as Envoy 1.40 has them. */
import { MapType } from "./context.js";
import type { HeaderMap } from "./header-map.js";
import type { HttpContext } from "./http-context.js";
import { grpcStatusOf } from "./local-reply.js";
import { duration, isPropertyMap, type PropertyMap, type PropertyValue } from "./property-value.js";

/** What the stream knows beside the headers. */
export interface StreamFacts {
  startTime: Date;
  /** Since the start; undefined until the stream is complete. */
  durationMs: number | undefined;
  protocol: string;
  bytesReceived: number;
  bytesSent: number;
  responseCode: number | undefined;
  codeDetails: string | undefined;
  responseFlags: number;
  attempts: number;
}

const UPSTREAM_PORT = 20_000;
const UPSTREAM_ADDRESS = `127.0.0.1:${UPSTREAM_PORT}`;

const latin1 = (text: string | undefined): PropertyValue =>
  text === undefined ? undefined : Buffer.from(text, "latin1");

export function httpProperties(context: HttpContext, facts: StreamFacts): PropertyMap {
  const request = context.map(MapType.RequestHeaders);
  const response = context.map(MapType.ResponseHeaders);
  const trailers = context.map(MapType.ResponseTrailers);
  const path = request?.get(":path");
  const length = request?.get("content-length");
  const query = path?.indexOf("?") ?? -1;
  const grpcStatus = trailers?.get("grpc-status") ?? response?.get("grpc-status");
  return {
    request: {
      headers: headers(request),
      time: facts.startTime,
      size: length === undefined ? facts.bytesReceived : Number(length),
      total_size: facts.bytesReceived + (request?.byteSize ?? 0),
      duration: facts.durationMs === undefined ? undefined : duration(facts.durationMs),
      protocol: facts.protocol,
      path: latin1(path),
      url_path: latin1(query < 0 ? path : path?.slice(0, query)),
      query: path === undefined ? undefined : latin1(query < 0 ? "" : path.slice(query + 1).split("#")[0]),
      host: latin1(request?.get(":authority")),
      scheme: latin1(request?.get(":scheme")),
      method: latin1(request?.get(":method")),
      referer: latin1(request?.get("referer")),
      id: latin1(request?.get("x-request-id")),
      useragent: latin1(request?.get("user-agent")),
    },
    response: {
      code: facts.responseCode,
      size: facts.bytesSent,
      total_size: facts.bytesSent + (response?.byteSize ?? 0) + (trailers?.byteSize ?? 0),
      headers: headers(response),
      trailers: headers(trailers),
      flags: facts.responseFlags,
      grpc_status: grpcStatus === undefined ? fallbackGrpcStatus(facts.responseCode) : Number(grpcStatus),
      code_details: facts.codeDetails,
    },
    connection: { id: 0n, mtls: false, requested_server_name: "" },
    source: { address: "127.0.0.1:50000", port: 50_000 },
    destination: { address: "127.0.0.1:10000", port: 10_000 },
    upstream: {
      request_attempt_count: BigInt(facts.attempts),
      ...(facts.attempts === 0 ? {} : { address: UPSTREAM_ADDRESS, port: UPSTREAM_PORT }),
    },
    xds: { filter_chain_name: "", listener_direction: 0 },
    connection_id: 0n,
  };
}

/* Envoy takes it from the HTTP status where there is no other. */
function fallbackGrpcStatus(responseCode: number | undefined): number | undefined {
  return responseCode === undefined ? undefined : grpcStatusOf(responseCode);
}

/* A repeated header reads as one value with commas. */
function headers(map: HeaderMap | undefined): PropertyMap {
  const names = [...new Set(map?.toList().map(([name]) => name))];
  return Object.fromEntries(names.map((name) => [name, latin1(map?.all(name).join(","))]));
}

/** The second over the first, group by group. A name with dots in it means its path. */
export function mergeProperties(base: PropertyMap, over: PropertyMap): PropertyMap {
  const merged: Record<string, PropertyValue> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const dot = name.startsWith("wasm.") ? -1 : name.indexOf(".");
    const key = dot < 0 ? name : name.slice(0, dot);
    const below = dot < 0 ? value : { [name.slice(dot + 1)]: value };
    const present = merged[key];
    const nested = isPropertyMap(below) && isPropertyMap(present);
    merged[key] = nested ? mergeProperties(present, below) : isPropertyMap(below) ? mergeProperties({}, below) : below;
  }
  return merged;
}
