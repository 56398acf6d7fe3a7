import { type ChangedNames, RESOURCE_TYPES, type ResourceType, type ResourceView } from "../model/resource.js";
import { decide } from "./decision.js";
import { type Departures, mayPush, referrersOpened, referrersSettled, releaseDepartures } from "./push-order.js";
import {
  type Content,
  createTypeStates,
  type DeltaRequest,
  type InFlight,
  isSubscribed,
  open,
  subscribe,
  type TypeState,
  type TypeStates,
  UNCLEAR,
  unsubscribe,
} from "./subscription.js";

/** A resource in a response. */
export interface SentResource extends Content {
  readonly name: string;
}

export type StreamEvent =
  | { readonly kind: "request"; readonly request: DeltaRequest }
  /** The view has other content under these names than before. */
  | { readonly kind: "changed"; readonly names: ChangedNames }
  /** A client that came back has had time to ask for all the types that it uses. */
  | { readonly kind: "resumed" };

export type Effect =
  | {
      readonly kind: "send";
      readonly type: ResourceType;
      readonly nonce: string;
      readonly resources: readonly SentResource[];
      readonly removed: readonly string[];
      /** Of all that the client then has of the type. State of the world only. */
      readonly version?: string;
    }
  /** The client has these versions. The nonce is empty if it had them before the stream began. */
  | {
      readonly kind: "acked";
      readonly type: ResourceType;
      readonly nonce: string;
      readonly versions: ReadonlyMap<string, string>;
    }
  | {
      readonly kind: "nacked";
      readonly type: ResourceType;
      readonly nonce: string;
      readonly versions: ReadonlyMap<string, string>;
      readonly message: string;
    }
  /** The client goes beyond a limit: the stream must end. */
  | { readonly kind: "abort"; readonly message: string };

export interface StreamOptions {
  /** A response is closed when its resources reach this size. Default: 4 MiB. */
  readonly maxResponseBytes?: number;
  /** Names that a client may subscribe to, for each type. Default: 100,000. */
  readonly maxNamesPerType?: number;
  /** Characters of all the names that a client may subscribe to, for each type. Default: 8 Mi. */
  readonly maxNameChars?: number;
  /**
   * Extension bytes that some proxy has accepted; may be shared by streams. Extensions that are not in it travel one
   * in a response: a refusal does not say which resource it means, and the innocent must not suffer for the guilty.
   */
  readonly accepted?: WeakSet<Uint8Array>;
}

/** The state of one incremental stream. It belongs to that stream; only `step` changes it. */
export interface StreamState {
  readonly types: TypeStates;
  readonly options: Required<StreamOptions>;
  /** Clusters sent before the client asked for any endpoints. */
  readonly sentClusters: Set<string>;
  /**
   * The client came back with clusters, and what refers to them may still have to come: its requests arrive one by one.
   * Until then, or until the event `resumed`, no cluster is taken away.
   */
  resuming: boolean;
  nonces: number;
}

export function createStreamState(options: StreamOptions = {}): StreamState {
  return {
    types: createTypeStates(),
    options: {
      maxResponseBytes: options.maxResponseBytes ?? 4 * 1024 * 1024,
      maxNamesPerType: options.maxNamesPerType ?? 100_000,
      maxNameChars: options.maxNameChars ?? 8 * 1024 * 1024,
      accepted: options.accepted ?? new WeakSet(),
    },
    sentClusters: new Set(),
    resuming: false,
    nonces: 0,
  };
}

/**
 * One step of the incremental aggregated protocol: what happens on a stream when the client says something or the
 * world changes. No clock, no I/O.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#incremental-xds
 *
 * At most one response of each type is unanswered at a time; what changes meanwhile is collected and sent as it then
 * is. The next part of a large push waits for the answer to the one before, which bounds what is buffered for a client.
 */
export function step(state: StreamState, event: StreamEvent, view: ResourceView): readonly Effect[] {
  const effects: Effect[] = [];
  if (event.kind === "changed") noteChanges(state, event.names, view);
  else if (event.kind === "resumed") state.resuming = false;
  else takeRequest(state, event.request, view, effects);
  const excess = event.kind === "request" ? excessOf(state, event.request) : undefined;
  if (excess !== undefined) return [...effects, { kind: "abort", message: excess }];
  pump(state, view, effects);
  return effects;
}

/** What a request made too much of, if anything. */
function excessOf({ types, options }: StreamState, { type, subscribe }: DeltaRequest): string | undefined {
  if (subscribe.length === 0) return undefined;
  const { explicit } = types[type];
  if (explicit.size > options.maxNamesPerType)
    return `more than ${options.maxNamesPerType} subscribed names of type ${type}`;
  let chars = 0;
  for (const name of explicit) chars += name.length;
  if (chars > options.maxNameChars)
    return `more than ${options.maxNameChars} characters of subscribed names of type ${type}`;
  return undefined;
}

function noteChanges(state: StreamState, names: ChangedNames, view: ResourceView): void {
  for (const [type, changed] of names) {
    const types = state.types[type];
    for (const name of changed) {
      types.leaving.delete(name);
      if (decide(types, name, view, false).kind === "nothing") types.changed.delete(name);
      else types.changed.add(name);
    }
  }
}

function takeRequest(state: StreamState, request: DeltaRequest, view: ResourceView, effects: Effect[]): void {
  const types = state.types[request.type];
  const flight = types.inFlight;
  // Subscriptions count whatever the nonce says; only the answer to a response depends on it.
  if (flight !== undefined && request.responseNonce === flight.nonce) {
    types.inFlight = undefined;
    const versions = new Map([...flight.contents].map(([name, content]) => [name, content.version]));
    const { nonce } = flight;
    if (request.error === undefined) {
      accept(state, types, flight);
      effects.push({ kind: "acked", type: types.type, nonce, versions });
    } else {
      refuse(types, flight, request.error);
      effects.push({ kind: "nacked", type: types.type, nonce, versions, message: request.error });
    }
  }
  if (types.opened) {
    unsubscribe(types, request.unsubscribe);
    subscribe(types, request.subscribe, view);
  } else {
    const kept = open(types, request);
    if (kept.size > 0 && types.type === "cluster") state.resuming = true;
    if (referrersOpened(state.types)) state.resuming = false;
    if (kept.size > 0) effects.push({ kind: "acked", type: types.type, nonce: "", versions: kept });
    catchUp(state, types, view);
  }
}

/** After the first request of a type: what the client lacks, or has in another version. */
function catchUp(state: StreamState, types: TypeState, view: ResourceView): void {
  for (const name of types.explicit) catchUpName(state, types, name, view);
  if (types.wildcard) for (const name of view.names(types.type)) catchUpName(state, types, name, view);
  for (const name of types.client.keys()) catchUpName(state, types, name, view);
  types.owesAnswer = types.wildcard && types.client.size === 0;
  if (types.type === "endpoints") state.sentClusters.clear();
}

function catchUpName(state: StreamState, types: TypeState, name: string, view: ResourceView): void {
  // A cluster that was sent on this stream waits for its endpoints, also for those that the client says it has.
  const waits = types.type === "endpoints" && state.sentClusters.has(name);
  if (!types.client.has(name) || waits) {
    types.asked.add(name);
    return;
  }
  // The client has something under this name: news of it keep to the order, like any other.
  if (decide(types, name, view, false).kind !== "nothing") types.changed.add(name);
}

function accept(state: StreamState, types: TypeState, flight: InFlight): void {
  types.ackedNonce = flight.nonce;
  if (types.type !== "extension") return;
  for (const [name, content] of flight.contents) {
    state.options.accepted.add(content.bytes);
    if (types.client.has(name)) types.good.set(name, content);
  }
}

/**
 * A refused extension stays behind in Envoy as the last one seen and makes it refuse the next listener that uses the
 * name, so the last good one is sent again at once. For other types the client keeps what it had.
 */
function refuse(types: TypeState, flight: InFlight, message: string): void {
  types.lastNack = {
    nonce: flight.nonce,
    message,
    names: [...flight.contents.keys()],
    versions: new Map([...flight.contents].map(([name, { version }]) => [name, version])),
  };
  for (const [name, { version }] of flight.contents) {
    const versions = types.refused.get(name);
    if (versions === undefined) types.refused.set(name, new Set([version]));
    else versions.add(version);
    if (!isSubscribed(types, name)) continue;
    if (types.good.get(name)?.version === version) types.good.delete(name);
    if (types.type !== "extension" || types.good.has(name)) types.client.set(name, UNCLEAR);
    else types.client.delete(name);
    types.onFallback.delete(name);
    if (types.type === "extension") types.asked.add(name);
  }
  if (flight.contents.size === 0) return;
  for (const name of flight.removed) {
    // The refusal means the resources; whether the removals beside them were done is not known.
    if (!isSubscribed(types, name) || types.client.has(name)) continue;
    types.client.set(name, UNCLEAR);
    types.changed.add(name);
  }
}

/** Sends whatever may be sent, in the order of the types. */
function pump(state: StreamState, view: ResourceView, effects: Effect[]): void {
  let waiting = false;
  const departures: Departures = { held: !mayDepart(state, view) };
  for (const type of RESOURCE_TYPES) {
    const types = state.types[type];
    respond(state, types, view, (name) => mayPush(state.types, type, name, waiting), departures, effects);
    if (types.asked.size > 0 || types.changed.size > 0) waiting = true;
  }
  if (!mayDepart(state, view)) return;
  for (const types of releaseDepartures(state.types)) {
    respond(state, types, view, () => true, { held: false }, effects);
  }
}

function mayDepart(state: StreamState, view: ResourceView): boolean {
  return !state.resuming && referrersSettled(state.types, view);
}

function respond(
  state: StreamState,
  types: TypeState,
  view: ResourceView,
  isFree: (name: string) => boolean,
  departures: Departures,
  effects: Effect[],
): void {
  if (types.inFlight !== undefined) return;
  const { maxResponseBytes, accepted } = state.options;
  const contents = new Map<string, Content>();
  const removed: string[] = [];
  let size = 0;
  let fresh = false;

  /** False: the response is full, the name stays where it is. */
  const take = (name: string, asked: boolean): boolean => {
    const decision = decide(types, name, view, asked);
    if (decision.kind === "send") {
      if (decision.vanished && !asked && departures.held) {
        types.leaving.add(name);
        return true;
      }
      const { content } = decision;
      const alone = types.type === "extension" && !accepted.has(content.bytes);
      if (alone && contents.size > 0) return false;
      const bytes = content.bytes.length + content.version.length + name.length;
      if (size > 0 && size + bytes > maxResponseBytes) return false;
      size = alone ? Number.POSITIVE_INFINITY : size + bytes;
      contents.set(name, content);
      fresh ||= !types.client.has(name);
      types.client.set(name, content.version);
      if (decision.isFallback) types.onFallback.add(name);
      else types.onFallback.delete(name);
    } else if (decision.kind === "remove") {
      if (types.type === "cluster" && !asked && departures.held) {
        types.leaving.add(name);
        return true;
      }
      if (size > 0 && size + name.length > maxResponseBytes) return false;
      size += name.length;
      removed.push(name);
      types.client.delete(name);
      types.good.delete(name);
      types.onFallback.delete(name);
    }
    return true;
  };

  for (const name of types.asked) {
    if (!take(name, true)) break;
    types.asked.delete(name);
    types.changed.delete(name);
    types.leaving.delete(name);
  }
  if (types.asked.size === 0) {
    for (const name of types.changed) {
      if (!isFree(name)) continue;
      if (!take(name, false)) break;
      types.changed.delete(name);
    }
  }
  if (contents.size === 0 && removed.length === 0 && !types.owesAnswer) return;
  types.owesAnswer = false;
  state.nonces += 1;
  const nonce = String(state.nonces);
  types.inFlight = { nonce, contents, removed, fresh };
  if (types.type === "cluster") requestEndpoints(state, contents.keys());
  const resources = [...contents].map(([name, content]) => ({ name, version: content.version, bytes: content.bytes }));
  effects.push({ kind: "send", type: types.type, nonce, resources, removed });
}

/**
 * A cluster that Envoy has already and that changes goes back to warming and waits for its endpoints, but Envoy does
 * not ask for them again.
 */
function requestEndpoints(state: StreamState, clusters: Iterable<string>): void {
  const { endpoints } = state.types;
  for (const name of clusters) {
    if (!endpoints.opened) state.sentClusters.add(name);
    else if (isSubscribed(endpoints, name)) endpoints.asked.add(name);
  }
}
