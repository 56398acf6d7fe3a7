import { type ClientHttp2Stream, connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from "@weft/control-plane/envoy-api/gen/envoy/service/discovery/v3/discovery_pb";
import { type ResourceType, resourceTypeOf, TYPE_URLS } from "@weft/control-plane/model/resource";
import { IDENTITY_SECRET, TRUST_SECRET } from "@weft/control-plane/translate/names";
import { clockMs } from "./clock.js";
import { createFrameReader, frame } from "./grpc-frames.js";
import { type NamesByType, namesInCluster, namesInListener } from "./names-in-resources.js";

export interface DeltaClientOptions {
  readonly host: string;
  readonly port: number;
  readonly nodeId: string;
  /** PEM. */
  readonly identity: { readonly root: string; readonly privateKey: string; readonly certificateChain: string };
  readonly onResponse: (response: ClientResponse) => void;
  /** The stream is over, other than by `close`. */
  readonly onEnd: (reason: string) => void;
}

/** A response, after it was acknowledged. */
export interface ClientResponse {
  readonly type: ResourceType;
  readonly atMs: number;
  readonly bytes: number;
  /** Slots for plugins only: the versions of those that changed; of one that is new or gone, too. */
  readonly changedSlots: readonly { readonly name: string; readonly version: string }[];
}

export interface DeltaClient {
  /** Everything that it asked for was answered: clusters, endpoints, listeners, routes, slots. */
  readonly isComplete: boolean;
  /** What came over its connection so far, TLS and HTTP/2 included. */
  readonly receivedBytes: number;
  close(): void;
}

const WINDOW_BYTES = 1024 * 1024;
const PATH = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

/**
 * A sidecar without a data plane: one incremental ADS stream over its own mTLS connection, which asks for what Envoy
 * asks for, in that order, and acknowledges all.
 */
export function createDeltaClient(options: DeltaClientOptions): DeltaClient {
  const { host, port, identity, nodeId, onResponse, onEnd } = options;
  const slots = new Map<string, string>();
  const asked = new Map<ResourceType, Set<string>>();
  const unanswered = new Map<ResourceType, Set<string>>();
  let first = true;
  let over = false;

  const raw = connectTcp({ host, port, noDelay: true });
  const socket = connectTls({
    socket: raw,
    ALPNProtocols: ["h2"],
    minVersion: "TLSv1.3",
    ca: identity.root,
    key: identity.privateKey,
    cert: identity.certificateChain,
    host,
  });
  const session = connectHttp2(`https://${host}:${port}`, {
    createConnection: () => socket,
    settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
  });
  const end = (reason: string): void => {
    if (over) return;
    over = true;
    session.destroy();
    socket.destroy();
    onEnd(reason);
  };
  for (const emitter of [raw, socket, session]) emitter.on("error", (error: Error) => end(error.message));
  session.on("connect", () => session.setLocalWindowSize(WINDOW_BYTES));
  session.on("close", () => end("the connection was closed"));
  const stream: ClientHttp2Stream = session.request(
    { ":method": "POST", ":path": PATH, "content-type": "application/grpc", te: "trailers" },
    { endStream: false },
  );
  stream.on("error", (error) => end(error.message));
  const refused = (headers: NodeJS.Dict<string | string[]>): void => {
    const status = headers["grpc-status"];
    if (status !== undefined) end(`grpc-status ${String(status)}: ${String(headers["grpc-message"] ?? "")}`);
  };
  stream.on("response", refused);
  stream.on("trailers", refused);
  stream.on("close", () => end("the stream was closed"));

  const request = (type: ResourceType, subscribe: readonly string[], nonce = ""): void => {
    const message = create(DeltaDiscoveryRequestSchema, {
      typeUrl: TYPE_URLS[type],
      resourceNamesSubscribe: [...subscribe],
      responseNonce: nonce,
      ...(first ? { node: { id: nodeId } } : {}),
    });
    first = false;
    stream.write(frame(toBinary(DeltaDiscoveryRequestSchema, message)));
  };
  const ask = (names: NamesByType): void => {
    for (const [type, list] of Object.entries(names) as [ResourceType, readonly string[]][]) {
      const known = asked.get(type) ?? new Set();
      const fresh = list.filter((name) => !known.has(name));
      if (fresh.length === 0) continue;
      asked.set(type, new Set([...known, ...fresh]));
      unanswered.set(type, new Set([...(unanswered.get(type) ?? []), ...fresh]));
      request(type, fresh);
    }
  };

  const take = (
    type: ResourceType,
    { resources, removedResources, nonce }: DeltaDiscoveryResponse,
  ): ClientResponse["changedSlots"] => {
    request(type, [], nonce);
    const waiting = unanswered.get(type);
    for (const { name } of resources) waiting?.delete(name);
    for (const name of removedResources) waiting?.delete(name);
    const bytesOf = resources.map(({ resource }) => resource?.value ?? new Uint8Array());
    if (type === "cluster") {
      ask(merged(bytesOf.map(namesInCluster)));
      if (!asked.has("listener")) {
        asked.set("listener", new Set());
        unanswered.set("listener", new Set(["*"]));
        request("listener", []);
      }
    }
    if (type === "listener") {
      unanswered.get("listener")?.clear();
      ask(merged(bytesOf.map(namesInListener)));
      ask({ secret: [IDENTITY_SECRET, TRUST_SECRET] });
    }
    if (type !== "extension") return [];
    const changed = [
      ...resources.map(({ name, version }) => ({ name, version })),
      ...removedResources.map((name) => ({ name, version: "" })),
    ].filter(({ name, version }) => (slots.get(name) ?? "") !== version);
    for (const { name, version } of changed) slots.set(name, version);
    return changed;
  };

  stream.on(
    "data",
    createFrameReader((message) => {
      const atMs = clockMs();
      const response = fromBinary(DeltaDiscoveryResponseSchema, message);
      const type = resourceTypeOf(response.typeUrl);
      if (type === undefined) return end(`a response of an unknown type: ${response.typeUrl}`);
      const changedSlots = take(type, response);
      onResponse({ type, atMs, bytes: message.length, changedSlots });
    }),
  );
  request("cluster", []);

  return {
    get isComplete() {
      return unanswered.has("listener") && [...unanswered.values()].every((names) => names.size === 0);
    },
    get receivedBytes() {
      return raw.bytesRead;
    },
    close: () => {
      over = true;
      session.destroy();
      socket.destroy();
    },
  };
}

function merged(list: readonly NamesByType[]): NamesByType {
  const all: Partial<Record<ResourceType, string[]>> = {};
  for (const names of list)
    for (const [type, values] of Object.entries(names) as [ResourceType, readonly string[]][])
      all[type] = [...(all[type] ?? []), ...values];
  return all;
}
