import type { LeaseRecord, LeaseStore, StoredLease } from "./lease.js";

/** Whether this replica is the one that leads. */
export interface Elector {
  readonly isLeading: boolean;
  /** The listener is told when that has changed. Returns what ends it. */
  subscribe(listener: (isLeading: boolean) => void): () => void;
  /** Gives the Lease up, so that another replica need not wait for its end; then it is never taken again. */
  resign(): Promise<void>;
}

export interface ElectorOptions {
  readonly store: LeaseStore;
  /** Names this replica among all that there ever were. */
  readonly identity: string;
  readonly times?: ElectionTimes;
  readonly onEvent: (level: "info" | "warn", message: string) => void;
}

export interface ElectionTimes {
  /** How long a Lease that nobody renews keeps others from leading. Whole seconds. */
  readonly leaseMs: number;
  /** A leader that could not renew for so long leads no more. Less than `leaseMs`, so that two never lead at once. */
  readonly deadlineMs: number;
  /** Between two looks at the Lease; up to a fifth more by chance, so that replicas do not come together. */
  readonly retryMs: number;
}

/** What Kubernetes' own controllers have. */
export const ELECTION_TIMES: ElectionTimes = { leaseMs: 15_000, deadlineMs: 10_000, retryMs: 2_000 };

/**
 * Leads while it holds a Lease. Clocks of machines need not agree: a Lease of another replica has ended when it was not
 * seen to change for as long as it lasts, by the own clock that only goes forward.
 */
export function createElector(options: ElectorOptions): Elector {
  const { store, identity, onEvent, times = ELECTION_TIMES } = options;
  const listeners = new Set<(isLeading: boolean) => void>();
  let isLeading = false;
  let isClosed = false;
  /** The Lease as it was seen last, and when it was first seen so. */
  let seen: { readonly lease: StoredLease; readonly sinceMs: number } | undefined;
  let renewedMs = 0;
  let problem = "";
  let looking: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let deadline: NodeJS.Timeout | undefined;

  const lead = (now: boolean, why: string) => {
    if (isLeading === now) return;
    isLeading = now;
    if (!now) clearTimeout(deadline);
    onEvent(now ? "info" : "warn", why);
    for (const listener of listeners) listener(now);
  };
  const observe = (lease: StoredLease): StoredLease => {
    if (seen?.lease.resourceVersion !== lease.resourceVersion) {
      const before = seen?.lease.record.holder;
      seen = { lease, sinceMs: performance.now() };
      const { holder } = lease.record;
      if (holder !== "" && holder !== before && holder !== identity) onEvent("info", `${holder} leads`);
    }
    return lease;
  };
  const renewed = (lease: StoredLease, beganMs: number) => {
    observe(lease);
    renewedMs = beganMs;
    clearTimeout(deadline);
    // Not only when a look ends: one may hang.
    deadline = setTimeout(
      () => lead(false, `the Lease was not renewed for ${times.deadlineMs} ms; another replica may lead now`),
      renewedMs + times.deadlineMs - performance.now(),
    ).unref();
    lead(true, "this replica leads now");
  };

  const look = async () => {
    const beganMs = performance.now();
    try {
      const lease = await (isLeading && seen !== undefined ? seen.lease : store.read());
      if (lease !== undefined) observe(lease);
      const holder = lease?.record.holder ?? "";
      const isOurs = holder === identity;
      if (lease !== undefined && holder !== "" && !isOurs) {
        lead(false, `${holder} has taken the Lease`);
        const lastsMs = Math.max(lease.record.durationSeconds * 1000, times.leaseMs);
        if (performance.now() - (seen?.sinceMs ?? 0) < lastsMs) return;
      }
      if (isClosed) return;
      const written = await store.write(nextRecord(lease?.record, isOurs), lease?.resourceVersion);
      if (written !== undefined) renewed(written, beganMs);
      else if (isLeading) await reread();
      problem = "";
    } catch (error) {
      const told = error instanceof Error ? error.message : String(error);
      if (told !== problem) onEvent("warn", `the election of a leader: ${told}`);
      problem = told;
    }
  };
  /** A write of ours may have come through although its answer did not: then the Lease is ours under another version. */
  const reread = async () => {
    const lease = await store.read();
    if (lease === undefined) {
      seen = undefined;
      return;
    }
    observe(lease);
    if (lease.record.holder !== identity) lead(false, `${lease.record.holder || "nobody"} has the Lease`);
  };
  const nextRecord = (before: LeaseRecord | undefined, isOurs: boolean): LeaseRecord => {
    const now = microTime(Date.now());
    return {
      holder: identity,
      durationSeconds: Math.ceil(times.leaseMs / 1000),
      renewTime: now,
      acquireTime: isOurs && before !== undefined ? before.acquireTime : now,
      transitions: (before?.transitions ?? 0) + (isOurs || before === undefined ? 0 : 1),
    };
  };
  const round = () => {
    looking = look().finally(() => {
      if (!isClosed) timer = setTimeout(round, times.retryMs * (1 + Math.random() / 5)).unref();
    });
  };
  round();

  return {
    get isLeading() {
      return isLeading;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async resign() {
      if (isClosed) return;
      isClosed = true;
      clearTimeout(timer);
      await looking;
      clearTimeout(timer);
      if (!isLeading || seen === undefined) return;
      const { record, resourceVersion } = seen.lease;
      lead(false, "this replica gives the Lease up");
      await store
        .write({ ...record, holder: "", durationSeconds: 1, renewTime: microTime(Date.now()) }, resourceVersion)
        .catch((error: unknown) => onEvent("warn", `the Lease stays until it ends: ${error}`));
    },
  };
}

/** Kubernetes' MicroTime. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
