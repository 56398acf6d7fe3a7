import { RESOURCE_TYPES, type ResourceType, type ResourceView } from "../model/resource.js";
import {
  createStreamState,
  type Effect,
  type SentResource,
  type StreamEvent,
  type StreamOptions,
  type StreamState,
  step,
} from "./delta-stream.js";
import type { Content } from "./subscription.js";
import { VersionSum } from "./version-sum.js";

/** A request as the protocol sees it, without its encoding. */
export interface WorldRequest {
  readonly type: ResourceType;
  /** All names that the client wants; for clusters and listeners an empty list from the beginning means everything. */
  readonly names: readonly string[];
  /** What the client accepted last, also on an earlier stream. */
  readonly version: string;
  readonly responseNonce: string;
  /** Present, even if empty: the client refused the response. */
  readonly error?: string;
}

export type WorldEvent =
  | { readonly kind: "request"; readonly request: WorldRequest }
  | Exclude<StreamEvent, { kind: "request" }>;

/** Without bytes: the client has it from an earlier stream, and it cannot be had now. */
type Told = Omit<Content, "bytes"> & Partial<Pick<Content, "bytes">>;

/** What one stream has been told of one type. */
interface WorldType {
  /** The names of the last request, or `*`. */
  wanted: ReadonlySet<string>;
  opened: boolean;
  /** The client has only ever sent empty lists. */
  isUnnamed: boolean;
  /** Of the last response that was sent, empty before the first. */
  nonce: string;
  /** What the client should have, with what is in flight. */
  readonly told: Map<string, Told>;
  /** What stood under the names of the response in flight before. */
  before: Map<string, Told | undefined>;
  readonly sum: VersionSum;
}

/** The state of one state-of-the-world stream. It belongs to that stream; only `stepWorld` changes it. */
export interface WorldState {
  /** The same stream, as the incremental protocol sees it. */
  readonly stream: StreamState;
  readonly types: { readonly [T in ResourceType]: WorldType };
}

export function createWorldState(options: StreamOptions = {}): WorldState {
  return {
    // What is not in a response of a whole type is gone, so it cannot be sent in parts.
    stream: createStreamState({ ...options, maxResponseBytes: Number.POSITIVE_INFINITY }),
    types: Object.fromEntries(
      RESOURCE_TYPES.map((type) => [type, createWorldType()]),
    ) as unknown as WorldState["types"],
  };
}

function createWorldType(): WorldType {
  return {
    wanted: new Set(),
    opened: false,
    isUnnamed: true,
    nonce: "",
    told: new Map(),
    before: new Map(),
    sum: new VersionSum(),
  };
}

/** The types of which a response has all that there is. */
function isWhole(type: ResourceType): boolean {
  return type === "cluster" || type === "listener";
}

/**
 * One step of the state-of-the-world protocol: the incremental one decides what is sent and when, and here its words
 * are put into those of the older protocol.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#basic-protocol-overview
 *
 * A response of clusters or listeners has them all, and what is missing is gone. A response of another type has what is
 * new; that something of such a type is gone cannot be said.
 */
export function stepWorld(state: WorldState, event: WorldEvent, view: ResourceView): readonly Effect[] {
  const effects: Effect[] = [];
  const events: StreamEvent[] = [];
  if (event.kind !== "request") events.push(event);
  else if (!isStale(state, event.request)) events.push(toIncremental(state, event.request, view));
  for (let next = events.shift(); next !== undefined; next = events.shift())
    for (const effect of step(state.stream, next, view)) {
      if (effect.kind === "send") send(state, effect, effects, events);
      else {
        if (effect.kind === "nacked") takeBack(state.types[effect.type]);
        // The client knows nothing of answers to what could not be said.
        if (effect.kind !== "acked" || effect.versions.size > 0 || isWhole(effect.type)) effects.push(effect);
      }
    }
  return effects;
}

/** A request that crossed a response. The client answers that one too, and then says again what it wants. */
function isStale(state: WorldState, { type, responseNonce }: WorldRequest): boolean {
  const { nonce } = state.types[type];
  return nonce !== "" && responseNonce !== nonce;
}

function toIncremental(state: WorldState, request: WorldRequest, view: ResourceView): StreamEvent {
  const { type, names, error } = request;
  const types = state.types[type];
  if (names.length > 0) types.isUnnamed = false;
  const wanted = new Set(types.isUnnamed && isWhole(type) ? ["*"] : names);
  const isFirst = !types.opened;
  types.opened = true;
  const subscribe = [...wanted].filter((name) => !types.wanted.has(name));
  const unsubscribe = [...types.wanted].filter((name) => !wanted.has(name));
  types.wanted = wanted;
  for (const name of unsubscribe) forget(types, name);
  const kept = isFirst ? keptFrom(type, request.version, wanted, view) : new Map<string, string>();
  for (const [name, version] of kept) {
    const bytes = view.get(type, name)?.bytes;
    tell(types, name, { version, ...(bytes === undefined ? {} : { bytes }) });
  }
  return {
    kind: "request",
    request: {
      type,
      subscribe,
      unsubscribe,
      responseNonce: request.responseNonce,
      initialResourceVersions: kept,
      ...(error === undefined ? {} : { error }),
    },
  };
}

/** A version that a client has of a name, when all that is known is that it has one. */
const UNKNOWN = "unknown";

/**
 * What a client that comes back has. Its version is that of all its names together: it has what we have, or it is not
 * known what it has. Then all is sent again, but what cannot be sent now must stay as it is there.
 */
function keptFrom(
  type: ResourceType,
  version: string,
  wanted: ReadonlySet<string>,
  view: ResourceView,
): ReadonlyMap<string, string> {
  const kept = new Map<string, string>();
  const without: string[] = [];
  if (version === "") return kept;
  const sum = new VersionSum();
  for (const name of wanted.has("*") ? view.names(type) : wanted) {
    const resource = view.get(type, name);
    if (resource === undefined) continue;
    kept.set(name, resource.version);
    sum.toggle(name, resource);
    if (resource.bytes === undefined) without.push(name);
  }
  return sum.toString() === version ? kept : new Map(without.map((name) => [name, UNKNOWN]));
}

function tell(types: WorldType, name: string, content: Told | undefined): void {
  const before = types.told.get(name);
  if (before !== undefined) types.sum.toggle(name, before);
  if (content === undefined) types.told.delete(name);
  else {
    types.told.set(name, content);
    types.sum.toggle(name, content);
  }
}

function forget(types: WorldType, name: string): void {
  if (name === "*") {
    for (const told of [...types.told.keys()]) if (!types.wanted.has(told)) tell(types, told, undefined);
  } else if (!types.wanted.has("*")) tell(types, name, undefined);
}

/** The client goes on with what it had before the response that it refused. */
function takeBack(types: WorldType): void {
  for (const [name, content] of types.before) tell(types, name, content);
  types.before = new Map();
}

function send(
  state: WorldState,
  { type, nonce, resources, removed }: Extract<Effect, { kind: "send" }>,
  effects: Effect[],
  events: StreamEvent[],
): void {
  const types = state.types[type];
  types.before = new Map(
    [...resources.map(({ name }) => name), ...removed].map((name) => [name, types.told.get(name)]),
  );
  for (const { name, version, bytes } of resources) tell(types, name, { version, bytes });
  for (const name of removed) tell(types, name, undefined);
  if (!isWhole(type) && resources.length === 0) {
    const nothing = { subscribe: [], unsubscribe: [], initialResourceVersions: new Map() };
    events.push({ kind: "request", request: { type, responseNonce: nonce, ...nothing } });
    return;
  }
  types.nonce = nonce;
  const all = isWhole(type) ? [...types.told].flatMap(withBytes) : resources;
  effects.push({ kind: "send", type, nonce, version: types.sum.toString(), resources: all, removed: [] });
}

function withBytes([name, { version, bytes }]: readonly [string, Told]): readonly SentResource[] {
  return bytes === undefined ? [] : [{ name, version, bytes }];
}
