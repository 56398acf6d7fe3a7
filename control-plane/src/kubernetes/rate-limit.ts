/** Lets a burst through at once, and then so many a second. */
export interface RateLimit {
  /** Resolves when it is one's turn, in the order of asking. */
  turn(): Promise<void>;
}

export function createRateLimit({
  burst,
  perSecond,
}: {
  readonly burst: number;
  readonly perSecond: number;
}): RateLimit {
  let tokens = burst;
  let atMs = performance.now();
  let last: Promise<void> = Promise.resolve();
  const wait = async () => {
    const nowMs = performance.now();
    tokens = Math.min(burst, tokens + ((nowMs - atMs) / 1000) * perSecond);
    atMs = nowMs;
    tokens -= 1;
    if (tokens < 0) await new Promise((done) => setTimeout(done, (-tokens / perSecond) * 1000).unref());
  };
  return {
    turn() {
      last = last.then(wait);
      return last;
    },
  };
}
