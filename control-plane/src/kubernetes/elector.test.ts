import { afterEach, describe, expect, it, vi } from "vitest";
import { createElector, type Elector } from "./elector.js";
import type { LeaseStore, StoredLease } from "./lease.js";

const TIMES = { leaseMs: 1000, deadlineMs: 700, retryMs: 30 };
const WAIT = { timeout: 60_000, interval: 10 };

/** A Lease as the API server keeps it: a write with an old version is refused. */
class Lease {
  stored: StoredLease | undefined;
  #version = 0;

  /** What one replica sees of it; `reach` says whether it reaches the API server, and whether the answers reach it. */
  store(reach: () => "yes" | "no" | "answers-lost" = () => "yes"): LeaseStore {
    const answer = <T>(value: T) => {
      if (reach() === "answers-lost") throw new Error("connection reset");
      return value;
    };
    return {
      read: async () => {
        if (reach() === "no") throw new Error("unreachable");
        return answer(this.stored);
      },
      write: async (record, resourceVersion) => {
        if (reach() === "no") throw new Error("unreachable");
        if (this.stored?.resourceVersion !== resourceVersion) return answer(undefined);
        this.#version += 1;
        this.stored = { resourceVersion: String(this.#version), record };
        return answer(this.stored);
      },
    };
  }
}

const electors: Elector[] = [];
afterEach(async () => {
  for (const elector of electors.splice(0)) await elector.resign();
});

function replica(identity: string, store: LeaseStore, events: string[] = []): Elector {
  const onEvent = (_level: string, message: string) => void events.push(message);
  const elector = createElector({ store, identity, times: TIMES, onEvent });
  electors.push(elector);
  return elector;
}

const leads = (elector: Elector, isSo = true) => vi.waitFor(() => expect(elector.isLeading).toBe(isSo), WAIT);

describe("of several replicas", () => {
  it("one leads, and another one when it goes, at once because the Lease is given up", async () => {
    const lease = new Lease();
    const first = replica("first", lease.store());
    await leads(first);
    const second = replica("second", lease.store());
    const third = replica("third", lease.store());
    const told: boolean[] = [];
    first.subscribe((isLeading) => told.push(isLeading));
    await first.resign();
    expect([first.isLeading, told]).toEqual([false, [false]]);
    await vi.waitFor(() => expect([second.isLeading, third.isLeading].filter(Boolean)).toHaveLength(1), WAIT);
    expect(lease.stored?.record).toMatchObject({ durationSeconds: 1, transitions: 1 });
  });

  it("another one leads when the leader is gone without a word, and not before the Lease has ended", async () => {
    const lease = new Lease();
    let isUp = true;
    const first = replica(
      "first",
      lease.store(() => (isUp ? "yes" : "no")),
    );
    await leads(first);
    const second = replica("second", lease.store());
    const order: string[] = [];
    first.subscribe((isLeading) => order.push(`first ${isLeading}`));
    second.subscribe((isLeading) => order.push(`second ${isLeading}`));
    isUp = false;
    await leads(second);
    // The old one knew before the new one could begin.
    expect(order).toEqual(["first false", "second true"]);
  });

  it("a leader whose answers are lost finds out that its write came through, and goes on", async () => {
    const lease = new Lease();
    let lost = false;
    const first = replica(
      "first",
      lease.store(() => (lost ? "answers-lost" : "yes")),
    );
    await leads(first);
    const before = lease.stored?.resourceVersion;
    lost = true;
    await vi.waitFor(() => expect(lease.stored?.resourceVersion).not.toBe(before), WAIT);
    lost = false;
    const now = lease.stored?.resourceVersion;
    await vi.waitFor(() => expect(Number(lease.stored?.resourceVersion)).toBeGreaterThan(Number(now)), WAIT);
    await leads(first);
    expect(lease.stored?.record.transitions).toBe(0);
  });

  it("a Lease that somebody removes is made anew", async () => {
    const lease = new Lease();
    const first = replica("first", lease.store());
    await leads(first);
    lease.stored = undefined;
    await vi.waitFor(() => expect(lease.stored).toBeDefined(), WAIT);
    await leads(first);
  });

  it("one that finds its Lease taken leads no more, and says who does", async () => {
    const lease = new Lease();
    const events: string[] = [];
    const first = replica("first", lease.store(), events);
    await leads(first);
    const record = { ...lease.stored?.record, holder: "usurper", durationSeconds: 600 } as StoredLease["record"];
    lease.stored = { resourceVersion: "x", record };
    await leads(first, false);
    expect(events.join("\n")).toContain("usurper");
  });

  it("tells a problem once, and leads when it is over", async () => {
    const lease = new Lease();
    let isUp = false;
    const events: string[] = [];
    const first = replica(
      "first",
      lease.store(() => (isUp ? "yes" : "no")),
      events,
    );
    await vi.waitFor(() => expect(events).toHaveLength(1), WAIT);
    isUp = true;
    await leads(first);
    expect(events).toEqual(["the election of a leader: unreachable", "this replica leads now"]);
  });
});
