import { expect, test } from "vitest";
import type { Resource, ResourceType, ResourceView } from "../model/resource.js";
import { createStreamState, type Effect, type StreamOptions, type StreamState, step } from "./delta-stream.js";
import type { DeltaRequest } from "./subscription.js";

/**
 * The world of a row: `type/name` → version. `v` has bytes; `v?` is known by version only; `v?f` has the fallback `f`.
 */
type World = Readonly<Record<string, string | null>>;

class Stream implements ResourceView {
  readonly #world = new Map<string, Resource>();
  readonly #state: StreamState;
  readonly #unanswered = new Map<ResourceType, string>();
  #lastNonce = "";

  constructor(world: World, options: StreamOptions) {
    this.#state = createStreamState(options);
    this.#set(world);
  }

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
    return this.#describe(step(this.#state, { kind: "request", request: { ...whole, type } }, this));
  }

  resumed(): string[] {
    return this.#describe(step(this.#state, { kind: "resumed" }, this));
  }

  change(world: World): string[] {
    const names = new Map<ResourceType, Set<string>>();
    for (const key of Object.keys(world)) {
      const [type, name] = split(key);
      names.set(type, (names.get(type) ?? new Set()).add(name));
    }
    this.#set(world);
    return this.#describe(step(this.#state, { kind: "changed", names }, this));
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
        const added = effect.resources.map(({ name, version }) => ` +${name}@${version}`);
        return `${effect.type}${added.join("")}${effect.removed.map((name) => ` -${name}`).join("")}`;
      }
      const versions = [...effect.versions].map(([name, version]) => ` ${name}@${version}`).join("");
      return `${effect.kind} ${effect.type}${versions}${effect.kind === "nacked" ? `: ${effect.message}` : ""}`;
    });
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
}

export function run(rows: readonly Row[]): void {
  test.each(rows)("$rule", ({ world, options = {}, steps }) => {
    const stream = new Stream(world, options);
    steps.forEach(([act, expected], index) => {
      expect(act(stream), `step ${index + 1}`).toEqual(expected);
    });
  });
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
