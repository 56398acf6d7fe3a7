import { expect, test } from "vitest";
import type { Resource, ResourceType, ResourceView } from "../model/resource.js";
import {
  createStreamState,
  type Effect,
  type StreamEvent,
  type StreamOptions,
  type StreamState,
  step,
} from "./delta-stream.js";
import { createWorldState, stepWorld, type WorldRequest, type WorldState } from "./state-of-the-world-stream.js";
import type { DeltaRequest } from "./subscription.js";
import { VersionSum } from "./version-sum.js";

/**
 * The world of a row: `type/name` → version. `v` has bytes; `v?` is known by version only; `v?f` has the fallback `f`.
 */
type World = Readonly<Record<string, string | null>>;

/** A stream of one of the protocols, with its client. */
abstract class Stream implements ResourceView {
  readonly #world = new Map<string, Resource>();
  readonly #unanswered = new Map<ResourceType, string>();
  #lastNonce = "";

  constructor(world: World) {
    this.#set(world);
  }

  protected abstract take(request: DeltaRequest): readonly Effect[];
  protected abstract tell(event: Exclude<StreamEvent, { kind: "request" }>): readonly Effect[];
  /** What a response says that the client did not have. */
  protected abstract news(effect: Extract<Effect, { kind: "send" }>): Pick<Sent, "resources" | "removed">;

  get(type: ResourceType, name: string): Resource | undefined {
    return this.#world.get(`${type}/${name}`);
  }

  *names(type: ResourceType): Iterable<string> {
    for (const resource of this.#world.values()) if (resource.type === type) yield resource.name;
  }

  request(type: ResourceType, request: Partial<DeltaRequest> & { answer?: boolean }): string[] {
    const responseNonce = request.answer === true ? (this.#unanswered.get(type) ?? "none") : "";
    if (request.answer === true) this.#unanswered.delete(type);
    const whole = { subscribe: [], unsubscribe: [], initialResourceVersions: new Map(), responseNonce, ...request };
    return this.#describe(this.take({ ...whole, type }));
  }

  resumed(): string[] {
    return this.#describe(this.tell({ kind: "resumed" }));
  }

  change(world: World): string[] {
    const names = new Map<ResourceType, Set<string>>();
    for (const key of Object.keys(world)) {
      const [type, name] = split(key);
      names.set(type, (names.get(type) ?? new Set()).add(name));
    }
    this.#set(world);
    return this.#describe(this.tell({ kind: "changed", names }));
  }

  #set(world: World): void {
    for (const [key, spec] of Object.entries(world)) {
      const [type, name] = split(key);
      this.#world.delete(key);
      if (spec === null) continue;
      const [version = "", fallback] = spec.split("?");
      this.#world.set(key, {
        type,
        name,
        version,
        ...(fallback === undefined ? { bytes: bytesOf(name, version) } : {}),
        ...(fallback ? { fallback: { version: fallback, bytes: bytesOf(name, fallback) } } : {}),
      });
    }
  }

  #describe(effects: readonly Effect[]): string[] {
    return effects.map((effect) => {
      if (effect.kind === "abort") return `abort: ${effect.message}`;
      if (effect.kind === "send") {
        expect(effect.nonce).not.toBe(this.#lastNonce);
        expect(this.#unanswered.has(effect.type), "two responses of a type in flight").toBe(false);
        this.#lastNonce = effect.nonce;
        this.#unanswered.set(effect.type, effect.nonce);
        const names = [...effect.resources.map((resource) => resource.name), ...effect.removed];
        expect(new Set(names).size, "a name twice in a response").toBe(names.length);
        for (const { name, version, bytes } of effect.resources) {
          if (version !== "none") expect(Buffer.from(bytes).toString()).toBe(bytesOf(name, version).toString());
        }
        const { resources, removed } = this.news(effect);
        const added = resources.map(({ name, version }) => ` +${name}@${version}`);
        return `${effect.type}${added.join("")}${removed.map((name) => ` -${name}`).join("")}`;
      }
      const versions = [...effect.versions].map(([name, version]) => ` ${name}@${version}`).join("");
      return `${effect.kind} ${effect.type}${versions}${effect.kind === "nacked" ? `: ${effect.message}` : ""}`;
    });
  }
}

type Sent = Extract<Effect, { kind: "send" }>;

class IncrementalStream extends Stream {
  readonly #state: StreamState;

  constructor(world: World, options: StreamOptions) {
    super(world);
    this.#state = createStreamState(options);
  }

  protected take(request: DeltaRequest): readonly Effect[] {
    return step(this.#state, { kind: "request", request }, this);
  }

  protected tell(event: Exclude<StreamEvent, { kind: "request" }>): readonly Effect[] {
    return step(this.#state, event, this);
  }

  protected news(effect: Sent): Sent {
    return effect;
  }
}

/** Its client says all names each time, with the nonce of the last response, and compares each response with what it has. */
class WorldStream extends Stream {
  readonly #state: WorldState;
  readonly #names = new Map<ResourceType, Set<string>>();
  readonly #nonces = new Map<ResourceType, string>();
  readonly #held = new Map<ResourceType, Map<string, string>>();

  constructor(world: World, options: StreamOptions) {
    super(world);
    this.#state = createWorldState(options);
  }

  protected take({ type, subscribe, unsubscribe, initialResourceVersions, responseNonce, error }: DeltaRequest) {
    const names = this.#names.get(type) ?? new Set();
    this.#names.set(type, names);
    for (const name of subscribe) names.add(name);
    for (const name of unsubscribe) names.delete(name);
    const sum = new VersionSum();
    for (const [name, version] of initialResourceVersions) sum.toggle(name, { version });
    const request: WorldRequest = {
      type,
      names: [...names],
      version: initialResourceVersions.size === 0 ? "" : sum.toString(),
      responseNonce: responseNonce === "" ? (this.#nonces.get(type) ?? "") : responseNonce,
      ...(error === undefined ? {} : { error }),
    };
    if (initialResourceVersions.size > 0) this.#held.set(type, new Map(initialResourceVersions));
    return stepWorld(this.#state, { kind: "request", request }, this);
  }

  protected tell(event: Exclude<StreamEvent, { kind: "request" }>): readonly Effect[] {
    return stepWorld(this.#state, event, this);
  }

  protected news({ type, nonce, resources, removed }: Sent): Pick<Sent, "resources" | "removed"> {
    expect(removed, "removals cannot be said").toEqual([]);
    this.#nonces.set(type, nonce);
    const held = this.#held.get(type) ?? new Map<string, string>();
    const isWhole = type === "cluster" || type === "listener";
    const next = new Map(isWhole ? [] : held);
    for (const { name, version } of resources) next.set(name, version);
    this.#held.set(type, next);
    if (!isWhole) return { resources, removed };
    return {
      resources: resources.filter(({ name, version }) => held.get(name) !== version),
      removed: [...held.keys()].filter((name) => !next.has(name)),
    };
  }
}

/** One object for equal bytes, as the control plane shares them. */
const shared = new Map<string, Buffer>();
export function bytesOf(name: string, version: string): Buffer {
  const text = `${name}@${version}`;
  const bytes = shared.get(text) ?? Buffer.from(text);
  shared.set(text, bytes);
  return bytes;
}

function split(key: string): [ResourceType, string] {
  const slash = key.indexOf("/");
  return [key.slice(0, slash) as ResourceType, key.slice(slash + 1)];
}

export type Act = (stream: Stream) => string[];
export const sub = (type: ResourceType, ...subscribe: string[]): Act => {
  return (stream) => stream.request(type, { subscribe });
};
export const unsub = (type: ResourceType, ...unsubscribe: string[]): Act => {
  return (stream) => stream.request(type, { unsubscribe });
};
export const resume = (type: ResourceType, subscribe: string[], versions: Record<string, string>): Act => {
  const initialResourceVersions = new Map(Object.entries(versions));
  return (stream) => stream.request(type, { subscribe, initialResourceVersions });
};
export const ack = (type: ResourceType, more: Partial<DeltaRequest> = {}): Act => {
  return (stream) => stream.request(type, { answer: true, ...more });
};
export const nack = (type: ResourceType, error = "bad"): Act => ack(type, { error });
export const stale = (type: ResourceType, more: Partial<DeltaRequest>): Act => {
  return (stream) => stream.request(type, { responseNonce: "old", ...more });
};
export const set = (world: World): Act => {
  return (stream) => stream.change(world);
};
/** The client that came back has had time to ask for everything. */
export const resumed: Act = (stream) => stream.resumed();

/** A rule of the protocol, and what it means on one stream: what happens, and what the server then does. */
export interface Row {
  readonly rule: string;
  readonly world: World;
  readonly options?: StreamOptions;
  readonly steps: readonly (readonly [Act, readonly string[]])[];
  /** The rule is about what only one of the protocols can say. */
  readonly only?: keyof typeof PROTOCOLS;
}

const PROTOCOLS = {
  incremental: IncrementalStream,
  "state-of-the-world": WorldStream,
};

/** Runs the rows with each of the protocols. */
export function run(rows: readonly Row[]): void {
  for (const [protocol, Protocol] of Object.entries(PROTOCOLS)) {
    const meant = rows.filter(({ only }) => only === undefined || only === protocol);
    if (meant.length === 0) continue;
    test.each(meant)(`${protocol}: $rule`, ({ world, options = {}, steps }) => {
      const stream = new Protocol(world, options);
      steps.forEach(([act, expected], index) => {
        expect(act(stream), `step ${index + 1}`).toEqual(expected);
      });
    });
  }
}

/** A proxy that has everything once and has acknowledged it. */
export const CONNECTED: Row["steps"] = [
  [sub("cluster"), ["cluster +a@1"]],
  [sub("endpoints", "a"), ["endpoints +a@1"]],
  [sub("listener"), ["listener +l@1"]],
  [sub("routes", "r"), ["routes +r@1"]],
  [sub("extension", "s"), ["extension +s@1"]],
  [sub("secret", "t"), ["secret +t@1"]],
  [ack("cluster"), ["acked cluster a@1"]],
  [ack("endpoints"), ["acked endpoints a@1"]],
  [ack("listener"), ["acked listener l@1"]],
  [ack("routes"), ["acked routes r@1"]],
  [ack("extension"), ["acked extension s@1"]],
  [ack("secret"), ["acked secret t@1"]],
];
/** What that proxy has. */
export const ALL: World = {
  "cluster/a": "1",
  "endpoints/a": "1",
  "listener/l": "1",
  "routes/r": "1",
  "extension/s": "1",
  "secret/t": "1",
};
