import type { Clock, Timer } from "./clock.js";
import type { RootContext } from "./context.js";

/** The tick timers of one VM, one per root context. */
export class Ticks {
  readonly #clock: Clock;
  readonly #tick: (root: RootContext) => void;
  readonly #timers = new Map<RootContext, { periodMs: number; timer: Timer | undefined }>();

  constructor(clock: Clock, tick: (root: RootContext) => void) {
    this.#clock = clock;
    this.#tick = tick;
  }

  /** 0 ends the ticks. */
  set(root: RootContext, periodMs: number): void {
    this.#timers.get(root)?.timer?.cancel();
    this.#timers.set(root, { periodMs, timer: undefined });
    if (periodMs > 0) this.#arm(root);
  }

  /** Milliseconds; undefined where the root never asked for ticks. */
  period(root: RootContext): number | undefined {
    return this.#timers.get(root)?.periodMs;
  }

  stop(): void {
    for (const { timer } of this.#timers.values()) timer?.cancel();
    this.#timers.clear();
  }

  #arm(root: RootContext): void {
    const entry = this.#timers.get(root);
    if (entry === undefined) return;
    entry.timer?.cancel();
    entry.timer = this.#clock.after(entry.periodMs, () => {
      this.#tick(root);
      const now = this.#timers.get(root);
      if (now !== undefined && now.periodMs > 0) this.#arm(root);
    });
  }
}
