import { pause } from "../pause.js";

export interface WorkQueueOptions<T> {
  /** Resolves to whether nothing is left to do for the item. Never throws. `attempt` counts from 1. */
  readonly work: (item: T, attempt: number) => Promise<boolean>;
  readonly concurrency: number;
  /** Keys that wait or are worked on; more are not taken. */
  readonly maxItems: number;
  /** How long to wait after this attempt. */
  readonly backOffMs: (attempt: number) => number;
  readonly signal: AbortSignal;
}

/** Works on items, several at once, but on one of a key only; tries again later what did not work out. */
export interface WorkQueue<T> {
  readonly size: number;
  /** Replaces an earlier item of this key. False: the queue is full, and the item was not taken. */
  add(key: string, item: T): boolean;
  /** Resolves when nothing is being worked on any more; for after the signal. */
  idle(): Promise<void>;
}

export function createWorkQueue<T>(options: WorkQueueOptions<T>): WorkQueue<T> {
  const { work, concurrency, maxItems, backOffMs, signal } = options;
  /** Here from `add` until it is done, so that no key is worked on twice at once. */
  const entries = new Map<string, { item: T; attempt: number }>();
  const ready: string[] = [];
  const running = new Set<Promise<void>>();

  const handle = async (key: string): Promise<void> => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    const { item } = entry;
    entry.attempt += 1;
    const isDone = await work(item, entry.attempt);
    if (entry.item !== item) {
      entry.attempt = 0;
      ready.push(key);
    } else if (isDone) entries.delete(key);
    else
      void pause(backOffMs(entry.attempt), signal).then(() => {
        ready.push(key);
        next();
      });
  };
  const next = (): void => {
    while (!signal.aborted && running.size < concurrency) {
      const key = ready.shift();
      if (key === undefined) return;
      const task = handle(key).finally(() => {
        running.delete(task);
        next();
      });
      running.add(task);
    }
  };

  return {
    get size() {
      return entries.size;
    },
    add(key, item) {
      const entry = entries.get(key);
      if (entry !== undefined) {
        entry.item = item;
        return true;
      }
      if (entries.size >= maxItems) return false;
      entries.set(key, { item, attempt: 0 });
      ready.push(key);
      next();
      return true;
    },
    async idle() {
      await Promise.all(running);
    },
  };
}
