import { expect, test } from "vitest";
import { RESOURCE_TYPES, type Resource, type ResourceType, type ResourceView } from "../model/resource.js";
import { createStreamState, type Effect, type StreamEvent, step } from "./delta-stream.js";
import type { DeltaRequest } from "./subscription.js";

/** https://en.wikipedia.org/wiki/Linear_congruential_generator: the same numbers for the same seed. */
function createRandom(seed: number) {
  let state = seed >>> 0;
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const NAMES = ["a", "b", "c", "d"];

/** A world that changes and a client that subscribes, accepts and refuses, all at random. */
class Simulation implements ResourceView {
  readonly #random: (below: number) => number;
  readonly #world = new Map<string, Resource>();
  readonly #state = createStreamState({ maxResponseBytes: 12 });
  readonly #opened = new Set<ResourceType>();
  readonly subscribed = new Set<string>();
  readonly client = new Map<string, string>();
  readonly refused = new Set<string>();
  readonly #unanswered = new Map<ResourceType, Effect & { kind: "send" }>();

  constructor(seed: number) {
    this.#random = createRandom(seed);
    for (let i = 0; i < 10; i += 1) this.#changeWorld();
  }

  get(type: ResourceType, name: string): Resource | undefined {
    return this.#world.get(`${type}/${name}`);
  }

  *names(type: ResourceType): Iterable<string> {
    for (const name of NAMES) if (this.#world.has(`${type}/${name}`)) yield name;
  }

  act(): void {
    const dice = this.#random(10);
    if (dice < 3) {
      const names = new Map<ResourceType, Set<string>>();
      for (let i = this.#random(4); i >= 0; i -= 1) {
        const [type, name] = this.#changeWorld();
        names.set(type, (names.get(type) ?? new Set()).add(name));
      }
      this.#step({ kind: "changed", names });
    } else if (dice < 5) this.#subscribe(this.#pick(RESOURCE_TYPES));
    else this.#answer(this.#pick(RESOURCE_TYPES), this.#random(5) === 0);
  }

  /** The client accepts everything until the server has nothing more to say. */
  settle(): void {
    for (let i = 0; this.#unanswered.size > 0; i += 1) {
      if (i > 1_000) throw new Error("the server does not come to an end");
      for (const type of [...this.#unanswered.keys()]) this.#answer(type, false);
    }
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random(items.length)] as T;
  }

  #changeWorld(): [ResourceType, string] {
    const type = this.#pick(RESOURCE_TYPES);
    const name = this.#pick(NAMES);
    const version = `v${this.#random(6)}`;
    const bytes = Buffer.from(version);
    const dice = this.#random(8);
    const key = `${type}/${name}`;
    if (dice === 0) this.#world.delete(key);
    else if (dice === 1 && type === "extension") this.#world.set(key, { type, name, version });
    else this.#world.set(key, { type, name, version, bytes });
    return [type, name];
  }

  #subscribe(type: ResourceType): void {
    const isWildcard = type === "cluster" || type === "listener";
    if (isWildcard && this.#opened.has(type)) return;
    const name = this.#pick(NAMES);
    if (isWildcard) {
      for (const each of NAMES) this.subscribed.add(`${type}/${each}`);
      this.#request(type, {});
    } else if (this.#opened.has(type) && this.#random(3) === 0) {
      this.subscribed.delete(`${type}/${name}`);
      this.client.delete(`${type}/${name}`);
      this.#request(type, { unsubscribe: [name] });
    } else {
      this.subscribed.add(`${type}/${name}`);
      this.#request(type, { subscribe: [name] });
    }
    this.#opened.add(type);
  }

  #answer(type: ResourceType, wantsToRefuse: boolean): void {
    const response = this.#unanswered.get(type);
    if (response === undefined) return;
    // Without resources there is nothing to refuse.
    const refuse = wantsToRefuse && response.resources.length > 0;
    this.#unanswered.delete(type);
    for (const { name, version } of response.resources) {
      const key = `${type}/${name}`;
      if (refuse) this.refused.add(`${key}@${version}`);
      else if (this.subscribed.has(key)) this.client.set(key, version);
    }
    if (!refuse) for (const name of response.removed) this.client.delete(`${type}/${name}`);
    this.#request(type, { responseNonce: response.nonce, ...(refuse ? { error: "bad" } : {}) });
  }

  #request(type: ResourceType, request: Partial<DeltaRequest>): void {
    const empty = { responseNonce: "", subscribe: [], unsubscribe: [], initialResourceVersions: new Map() };
    this.#step({ kind: "request", request: { ...empty, ...request, type } });
  }

  #step(event: StreamEvent): void {
    for (const effect of step(this.#state, event, this)) {
      if (effect.kind !== "send") continue;
      expect(this.#unanswered.has(effect.type), "one response of a type in flight").toBe(false);
      this.#unanswered.set(effect.type, effect);
      for (const { name, version } of effect.resources) {
        expect(this.refused.has(`${effect.type}/${name}@${version}`), "refused content is not sent again").toBe(false);
      }
      const names = [...effect.resources.map((resource) => resource.name), ...effect.removed];
      expect(new Set(names).size, "no name twice").toBe(names.length);
      if (effect.type === "extension") {
        for (const name of effect.removed)
          expect(this.get("extension", name), "an extension that exists").toBe(undefined);
      }
    }
  }

  /** What differs between the client and the world although nothing excuses it. */
  differences(): string[] {
    return [...this.subscribed].filter((key) => {
      const resource = this.#world.get(key);
      const held = this.client.get(key);
      // What a listener that drains still uses stays until the client says that it is gone.
      if (resource === undefined && key.startsWith("extension/")) return false;
      if (resource === undefined)
        return held !== (key.startsWith("endpoints/") ? "none" : undefined) && !this.#stale(key);
      if (resource.bytes === undefined || this.refused.has(`${key}@${resource.version}`)) return false;
      return held !== resource.version;
    });
  }

  /** Emptied endpoints are resources, which a client may refuse; clusters stay while what may need them is refused. */
  #stale(key: string): boolean {
    const referrerBehind = [...this.#world.values()].some(
      ({ type, name, version }) =>
        (type === "listener" || type === "routes" || type === "extension") &&
        this.refused.has(`${type}/${name}@${version}`),
    );
    return this.refused.has(`${key}@none`) || (/^(cluster|endpoints)\//.test(key) && referrerBehind);
  }
}

test("whatever happens, a client that accepts in the end has what it should have", () => {
  for (let seed = 1; seed <= 2_000; seed += 1) {
    const simulation = new Simulation(seed);
    for (let i = 0; i < 60; i += 1) simulation.act();
    simulation.settle();
    expect(simulation.differences(), `seed ${seed}`).toEqual([]);
  }
});
