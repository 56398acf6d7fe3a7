import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { createWorkQueue, type WorkQueueOptions } from "./work-queue.js";

let stop = new AbortController();
afterEach(() => {
  stop.abort();
  stop = new AbortController();
});

function queueOf(work: WorkQueueOptions<string>["work"], change: Partial<WorkQueueOptions<string>> = {}) {
  return createWorkQueue<string>({
    work,
    ...{ concurrency: 2, maxItems: 4, backOffMs: () => 0, signal: stop.signal },
    ...change,
  });
}

async function drained(queue: { readonly size: number }): Promise<void> {
  while (queue.size > 0) await setImmediate();
}

describe("a work queue", () => {
  it("works on so many at once, and in turn", async () => {
    let busy = 0;
    let most = 0;
    const done: string[] = [];
    const queue = queueOf(async (item) => {
      most = Math.max(most, ++busy);
      await setImmediate();
      busy -= 1;
      done.push(item);
      return true;
    });
    for (const key of ["a", "b", "c", "d"]) expect(queue.add(key, key)).toBe(true);
    await drained(queue);
    expect([most, done]).toEqual([2, ["a", "b", "c", "d"]]);
  });

  it("takes no more than it can hold, and more when there is room again", async () => {
    const queue = queueOf(async () => true);
    expect(["a", "b", "c", "d", "e"].map((key) => queue.add(key, key))).toEqual([true, true, true, true, false]);
    await drained(queue);
    expect(queue.add("e", "e")).toBe(true);
  });

  it("tries again what did not work out, and counts", async () => {
    const attempts: number[] = [];
    const queue = queueOf(async (_item, attempt) => {
      attempts.push(attempt);
      return attempt === 3;
    });
    queue.add("a", "a");
    await drained(queue);
    expect(attempts).toEqual([1, 2, 3]);
  });

  it("never works on a key twice at once, and looks at the newest from the start", async () => {
    const seen: string[] = [];
    const queue = queueOf(async (item, attempt) => {
      seen.push(`${item} ${attempt}`);
      if (item === "old") queue.add("a", "new");
      await setImmediate();
      return true;
    });
    queue.add("a", "old");
    await drained(queue);
    expect(seen).toEqual(["old 1", "new 1"]);
  });

  it("begins nothing after the signal, and says when what it began has ended", async () => {
    let ended = 0;
    const queue = queueOf(
      async () => {
        await setImmediate();
        ended += 1;
        return true;
      },
      { concurrency: 1 },
    );
    queue.add("a", "a");
    queue.add("b", "b");
    stop.abort();
    await queue.idle();
    expect(ended).toBe(1);
  });
});
