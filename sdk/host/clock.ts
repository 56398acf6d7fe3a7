import { HostError } from "./errors.js";

export interface Timer {
  cancel(): void;
}

interface Pending {
  atMs: number;
  order: number;
  fire: () => void;
}

/** More timers than this in one advance is a plugin that ticks without end. */
const MAX_TIMERS = 100_000;

/** Time as the plugins see it. It stands still unless the test moves it. */
export class Clock {
  #startNs: bigint;
  #elapsedMs = 0;
  #order = 0;
  #timers: Pending[] = [];
  readonly #around: (body: () => void) => void;

  /** @internal */
  constructor(now: Date, around: (body: () => void) => void) {
    this.#startNs = BigInt(now.getTime()) * 1_000_000n;
    this.#around = around;
  }

  /** Wall clock in nanoseconds since 1970. */
  get wallNs(): bigint {
    return this.#startNs + this.monotonicNs - MONOTONIC_START_NS;
  }

  /** Nanoseconds since an unknown moment; the same for all threads. */
  get monotonicNs(): bigint {
    return MONOTONIC_START_NS + BigInt(Math.round(this.#elapsedMs * 1e6));
  }

  /** Moves the time and lets everything happen that is due by then: ticks and timeouts, in order. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new HostError("USAGE", `clock.advance(${ms}): the time can only move forward`);
    this.#around(() => {
      const until = this.#elapsedMs + ms;
      for (let count = 0; ; count++) {
        const next = this.#next(until);
        if (next === undefined) break;
        if (count === MAX_TIMERS) throw new HostError("LOOP", `more than ${MAX_TIMERS} timers in one clock.advance`);
        this.#timers = this.#timers.filter((timer) => timer !== next);
        this.#elapsedMs = Math.max(this.#elapsedMs, next.atMs);
        next.fire();
      }
      this.#elapsedMs = until;
    });
  }

  /**
   * @internal
   * For the host's own timers.
   */
  after(ms: number, fire: () => void): Timer {
    const pending = { atMs: this.#elapsedMs + ms, order: this.#order++, fire };
    this.#timers.push(pending);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((timer) => timer !== pending);
      },
    };
  }

  #next(until: number): Pending | undefined {
    return this.#timers
      .filter((timer) => timer.atMs <= until)
      .sort((a, b) => a.atMs - b.atMs || a.order - b.order)
      .at(0);
  }
}

/* Not zero, so that a plugin that takes zero for "never" works here as it does in Envoy. */
const MONOTONIC_START_NS = 1_000_000_000_000n;
