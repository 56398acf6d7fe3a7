import { setTimeout as delay } from "node:timers/promises";
import { createKeyedLock } from "./keyed-lock.js";

export interface Rewrite<T> {
  /** What is changed, for example a reference. */
  readonly what: string;
  readonly read: () => Promise<T>;
  /** Whether what is wanted is in it already. */
  readonly isDone: (current: T) => boolean;
  readonly write: (current: T) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** Others may write the same thing at the same time; each round one of them gets through. */
const MAX_ROUNDS = 12;
const MIN_SETTLE_MS = 50;
const MAX_SETTLE_MS = 2_000;
/** Who is in this process waits instead of competing. */
const lock = createKeyedLock();

/**
 * Changes what others change too, in a registry, whose conditional writes cannot be relied on: reads, writes, and
 * reads again until the change is found there, and still is after as long as others may need to write what they had
 * read before. False when others kept changing it all the time.
 */
export function rewrite<T>(task: Rewrite<T>): Promise<boolean> {
  return lock(task.what, () => compete(task));
}

async function compete<T>({ read, isDone, write, signal }: Rewrite<T>): Promise<boolean> {
  let tookMs: number | undefined;
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const beganMs = Date.now();
    const current = await read();
    if (!isDone(current)) {
      await write(current);
      tookMs = Math.max(tookMs ?? 0, Date.now() - beganMs);
      continue;
    }
    if (tookMs === undefined) return true;
    const settleMs = Math.min(Math.max(MIN_SETTLE_MS, 2 * tookMs), MAX_SETTLE_MS);
    await delay(settleMs * (1 + Math.random()), undefined, signal && { signal });
    if (isDone(await read())) return true;
  }
  return false;
}
