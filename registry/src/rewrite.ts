import { setTimeout as delay } from "node:timers/promises";

export interface Rewrite<T> {
  readonly read: () => Promise<T>;
  /** Whether what is wanted is in it already. */
  readonly isDone: (current: T) => boolean;
  readonly write: (current: T) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** Others may write the same thing at the same time; each round one of them gets through. */
const MAX_ROUNDS = 12;
const SETTLE_MS = 50;

/**
 * Changes what others change too, in a registry, whose conditional writes cannot be relied on: reads, writes, and
 * reads again until the change is found there, and still is a little later, when what others had read before is
 * written. False when others kept changing it all the time.
 */
export async function rewrite<T>({ read, isDone, write, signal }: Rewrite<T>): Promise<boolean> {
  let wrote = false;
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const current = await read();
    if (!isDone(current)) {
      await write(current);
      wrote = true;
      continue;
    }
    if (!wrote) return true;
    await delay(SETTLE_MS * (1 + Math.random()) * Math.min(round, 4), undefined, signal && { signal });
    if (isDone(await read())) return true;
  }
  return false;
}
