/** Slows down whoever fails often. Knows no clock: times are the caller's, in milliseconds. */
export interface FailureLimit {
  /** How long this source has to wait; 0: not at all. */
  waitMs(source: string, nowMs: number): number;
  failed(source: string, nowMs: number): void;
}

/** So many failures of one source in a window, and ten times as many of all together. */
export function createFailureLimit({ maxFailures = 10, windowMs = 60_000, maxSources = 10_000 } = {}): FailureLimit {
  const ALL = "";
  const sources = new Map<string, { readonly sinceMs: number; failures: number }>();
  const count = (source: string, nowMs: number): void => {
    const found = sources.get(source);
    if (found !== undefined && nowMs - found.sinceMs < windowMs) {
      found.failures += 1;
      return;
    }
    sources.delete(source);
    // The oldest goes: the limit for all together still holds.
    const [oldest] = sources.size >= maxSources ? [...sources.keys()].filter((key) => key !== ALL) : [];
    if (oldest !== undefined) sources.delete(oldest);
    sources.set(source, { sinceMs: nowMs, failures: 1 });
  };
  const wait = (source: string, max: number, nowMs: number): number => {
    const found = sources.get(source);
    if (found === undefined || found.failures < max) return 0;
    return Math.max(0, found.sinceMs + windowMs - nowMs);
  };
  return {
    waitMs: (source, nowMs) => Math.max(wait(source, maxFailures, nowMs), wait(ALL, maxFailures * 10, nowMs)),
    failed: (source, nowMs) => {
      count(source, nowMs);
      count(ALL, nowMs);
    },
  };
}
