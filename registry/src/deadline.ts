/** A timer that aborts, joined with the caller's own signal. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Whether the timer ran out, as opposed to the caller giving up. */
  readonly expired: boolean;
  /** Starts the timer, or starts it again. */
  restart(timeoutMs: number): void;
  /** Must be called at the end: it stops the timer, lets go of the caller's signal, and ends what still runs. */
  dispose(): void;
}

/** AbortSignal.any would do, but holds on to long-lived signals in Node 20. */
export function createDeadline(outer: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let expired = false;
  const onOuterAbort = (): void => controller.abort(outer?.reason);
  if (outer?.aborted) onOuterAbort();
  outer?.addEventListener("abort", onOuterAbort, { once: true });
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    restart(timeoutMs) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        expired = true;
        controller.abort(new Error(`no answer within ${timeoutMs} ms`));
      }, timeoutMs);
    },
    dispose() {
      clearTimeout(timer);
      outer?.removeEventListener("abort", onOuterAbort);
      controller.abort();
    },
  };
}
