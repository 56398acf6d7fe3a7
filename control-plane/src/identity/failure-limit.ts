/** Slows down whoever fails often. Knows no clock: times are the caller's, in milliseconds. */
export interface FailureLimit {
  /** How long this source has to wait; 0: not at all. */
  waitMs(source: string, nowMs: number): number;
  failed(source: string, nowMs: number): void;
}

interface Count {
  sinceMs: number;
  failures: number;
}

/** So many failures of one source in a window, and ten times as many of all together. */
export function createFailureLimit({ maxFailures = 10, windowMs = 60_000, maxSources = 10_000 } = {}): FailureLimit {
  const sources = new Map<string, Count>();
  const all: Count = { sinceMs: 0, failures: 0 };
  const add = (count: Count, nowMs: number): void => {
    if (nowMs - count.sinceMs >= windowMs) Object.assign(count, { sinceMs: nowMs, failures: 0 });
    count.failures += 1;
  };
  const wait = (count: Count | undefined, max: number, nowMs: number): number =>
    count === undefined || count.failures < max ? 0 : Math.max(0, count.sinceMs + windowMs - nowMs);
  return {
    waitMs: (source, nowMs) =>
      Math.max(wait(sources.get(source), maxFailures, nowMs), wait(all, maxFailures * 10, nowMs)),
    failed: (source, nowMs) => {
      const count = sources.get(source) ?? { sinceMs: nowMs, failures: 0 };
      sources.delete(source);
      // The one that is silent for longest goes: the limit for all together still holds.
      const [oldest] = sources.size >= maxSources ? sources.keys() : [];
      if (oldest !== undefined) sources.delete(oldest);
      sources.set(source, count);
      add(count, nowMs);
      add(all, nowMs);
    },
  };
}
