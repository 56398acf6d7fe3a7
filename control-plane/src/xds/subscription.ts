import { RESOURCE_TYPES, type ResourceType, type ResourceView } from "../model/resource.js";
import type { Refusal } from "./provider.js";

/** Bytes of a resource together with the version they have. */
export interface Content {
  readonly version: string;
  readonly bytes: Uint8Array;
}

/** A request as the protocol sees it, without its encoding. */
export interface DeltaRequest {
  readonly type: ResourceType;
  /** Nonce of the response that this request acknowledges or refuses; empty if it does neither. */
  readonly responseNonce: string;
  /** Present, even if empty: the client refused that response. */
  readonly error?: string;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** What the client kept from an earlier stream. Counts only in the first request of a type on a stream. */
  readonly initialResourceVersions: ReadonlyMap<string, string>;
}

/** The response of a type that the client has not answered yet. */
export interface InFlight {
  readonly nonce: string;
  readonly contents: ReadonlyMap<string, Content>;
  readonly removed: readonly string[];
  /** It has names that the client did not have before. */
  readonly fresh: boolean;
}

/** What the client holds when it refused a response: either the old content or the new one. No real version is like it. */
export const UNCLEAR = "";

/** Everything one stream knows about one resource type. */
export interface TypeState {
  readonly type: ResourceType;
  /** The client has sent a request of this type. */
  opened: boolean;
  wildcard: boolean;
  /** Names subscribed one by one. */
  readonly explicit: Set<string>;
  /** Version that the client has of a name, counting what was sent and not yet answered. */
  readonly client: Map<string, string>;
  /** Extensions only: what the client last accepted. Without bytes, if that was on an earlier stream. */
  readonly good: Map<string, { readonly version: string; readonly bytes?: Uint8Array }>;
  /** Names under which the client got a fallback, which another fallback may replace. */
  readonly onFallback: Set<string>;
  /** Versions that the client refused. */
  readonly refused: Map<string, Set<string>>;
  /** To be sent although the client may have it: answers. Never waits for another type. */
  readonly asked: Set<string>;
  /** To be sent because the content changed. */
  readonly changed: Set<string>;
  /** To be removed as soon as nothing refers to it any more. */
  readonly leaving: Set<string>;
  /** A wildcard subscription that nothing matches waits for an answer, too. */
  owesAnswer: boolean;
  inFlight: InFlight | undefined;
  ackedNonce: string;
  lastNack: Refusal | undefined;
}

export function createTypeState(type: ResourceType): TypeState {
  return {
    type,
    opened: false,
    wildcard: false,
    explicit: new Set(),
    client: new Map(),
    good: new Map(),
    onFallback: new Set(),
    refused: new Map(),
    asked: new Set(),
    changed: new Set(),
    leaving: new Set(),
    owesAnswer: false,
    inFlight: undefined,
    ackedNonce: "",
    lastNack: undefined,
  };
}

export type TypeStates = { readonly [T in ResourceType]: TypeState };

export function createTypeStates(): TypeStates {
  return Object.fromEntries(RESOURCE_TYPES.map((type) => [type, createTypeState(type)])) as unknown as TypeStates;
}

export function isSubscribed(state: TypeState, name: string): boolean {
  return state.wildcard || state.explicit.has(name);
}

export function isRefused(state: TypeState, name: string, version: string): boolean {
  return state.refused.get(name)?.has(version) === true;
}

/** The client is no longer interested: what it had under this name it may have dropped. */
function forget(state: TypeState, name: string): void {
  state.client.delete(name);
  state.good.delete(name);
  state.onFallback.delete(name);
  state.asked.delete(name);
  state.changed.delete(name);
  state.leaving.delete(name);
}

/**
 * Drops subscriptions. While a wildcard is on, dropping a single name takes nothing from the client's interest, and the
 * client must be told again what the wildcard gives it under that name.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#unsubscribing-from-resources
 */
export function unsubscribe(state: TypeState, names: readonly string[]): void {
  for (const name of names) {
    if (name === "*") {
      state.wildcard = false;
      for (const held of new Set([...state.client.keys(), ...state.asked, ...state.changed])) {
        if (!state.explicit.has(held)) forget(state, held);
      }
      continue;
    }
    state.explicit.delete(name);
    if (state.wildcard) state.asked.add(name);
    else forget(state, name);
  }
}

/** Cluster and listener are the only types that Envoy asks for as a whole. */
function mayBeWildcard(type: ResourceType): boolean {
  return type === "cluster" || type === "listener";
}

/**
 * Adds subscriptions. Every name is answered, also one that the client had: it may have forgotten it. The first request
 * of a type is different, because there the client says what it has; `open` below takes care of that one.
 */
export function subscribe(state: TypeState, names: readonly string[], view: ResourceView): void {
  for (const name of names) {
    if (name !== "*") {
      state.explicit.add(name);
      state.asked.add(name);
    } else if (mayBeWildcard(state.type)) {
      state.wildcard = true;
      for (const each of view.names(state.type)) state.asked.add(each);
      if (state.asked.size === 0) state.owesAnswer = true;
    }
  }
}

/**
 * Takes the first request of a type. An empty list means everything, as in the first version of the protocol.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#how-the-client-specifies-what-resources-to-return
 *
 * @returns the versions that the client brought along and still wants.
 */
export function open(state: TypeState, request: DeltaRequest): Map<string, string> {
  const kept = new Map<string, string>();
  state.opened = true;
  state.wildcard = mayBeWildcard(state.type) && (request.subscribe.length === 0 || request.subscribe.includes("*"));
  for (const name of request.subscribe) if (name !== "*") state.explicit.add(name);
  for (const [name, version] of request.initialResourceVersions) {
    if (!isSubscribed(state, name) || version === UNCLEAR) continue;
    kept.set(name, version);
    state.client.set(name, version);
    if (state.type === "extension") state.good.set(name, { version });
  }
  return kept;
}
