import type { ProxyClient } from "../model/proxy.js";
import type { ChangedNames, ResourceType, ResourceView } from "../model/resource.js";
import { decodeDeltaRequest, encodeDeltaResponse } from "./codec.js";
import { createStreamState, type Effect, type StreamOptions, type StreamState, step } from "./delta-stream.js";
import { createWorldState, stepWorld } from "./state-of-the-world-stream.js";
import { decodeWorldRequest, encodeWorldResponse } from "./world-codec.js";

/** A request, decoded; its type may be one that we do not serve. */
export interface ProtocolRequest {
  readonly typeUrl: string;
  /** What the client calls itself, for logs only. Empty in all but the first request of a stream. */
  readonly nodeId: string;
  /** What the client names: what it wants, and what it has from an earlier stream. */
  readonly names: Iterable<string>;
  take(type: ResourceType, view: ResourceView): readonly Effect[];
}

/** One of the two ways in which a stream of the aggregated discovery service can be spoken. */
export interface Protocol {
  readonly kind: ProxyClient["kind"];
  /** What the stream has been told, for those who look at it. */
  readonly state: StreamState;
  /** @throws Error (code XDS_MALFORMED_REQUEST) if these are not the bytes of a request. */
  receive(message: Uint8Array): ProtocolRequest;
  changed(names: ChangedNames, view: ResourceView): readonly Effect[];
  resumed(view: ResourceView): readonly Effect[];
  encode(effect: Extract<Effect, { kind: "send" }>): Buffer;
}

export function createProtocol(kind: ProxyClient["kind"], options: StreamOptions): Protocol {
  return kind === "incremental" ? createIncremental(options) : createStateOfTheWorld(options);
}

function createIncremental(options: StreamOptions): Protocol {
  const state = createStreamState(options);
  return {
    kind: "incremental",
    state,
    receive(message) {
      const { typeUrl, nodeId, ...request } = decodeDeltaRequest(message);
      return {
        typeUrl,
        nodeId,
        names: [...request.subscribe, ...request.initialResourceVersions.keys()],
        take: (type, view) => step(state, { kind: "request", request: { type, ...request } }, view),
      };
    },
    changed: (names, view) => step(state, { kind: "changed", names }, view),
    resumed: (view) => step(state, { kind: "resumed" }, view),
    encode: ({ type, nonce, resources, removed }) => encodeDeltaResponse(type, nonce, resources, removed),
  };
}

function createStateOfTheWorld(options: StreamOptions): Protocol {
  const state = createWorldState(options);
  return {
    kind: "state-of-the-world",
    state: state.stream,
    receive(message) {
      const { typeUrl, nodeId, ...request } = decodeWorldRequest(message);
      return {
        typeUrl,
        nodeId,
        names: request.names,
        take: (type, view) => stepWorld(state, { kind: "request", request: { type, ...request } }, view),
      };
    },
    changed: (names, view) => stepWorld(state, { kind: "changed", names }, view),
    resumed: (view) => stepWorld(state, { kind: "resumed" }, view),
    encode: ({ type, nonce, version = "", resources }) => encodeWorldResponse(type, nonce, version, resources),
  };
}
