import { setTimeout as delay } from "node:timers/promises";
import { RegistryError } from "./error.js";

export interface RetryOptions {
  /** How often a failed request is sent again. Default: 4. */
  readonly maxRetries?: number;
  /** The first wait; each one is twice the one before. Default: 250. */
  readonly baseDelayMs?: number;
  /** The longest wait that we choose ourselves. Default: 3,000. */
  readonly maxDelayMs?: number;
  /** A `Retry-After` longer than this is not waited for: the error carries it to the caller. Default: 30,000. */
  readonly maxRetryAfterMs?: number;
}

export interface RetryPolicy extends Required<RetryOptions> {}

export function createRetryPolicy(options: RetryOptions = {}): RetryPolicy {
  return { maxRetries: 4, baseDelayMs: 250, maxDelayMs: 3_000, maxRetryAfterMs: 30_000, ...options };
}

/**
 * How long to wait after failure number `failures` (from 1), or undefined when to give up.
 * `random` (0 to 1) spreads the waits by a tenth to either side, so that clients don't come back together.
 */
export function retryDelayMs(
  policy: RetryPolicy,
  failures: number,
  error: RegistryError,
  random: number,
): number | undefined {
  if (!error.retryable || failures > policy.maxRetries) return undefined;
  if (error.retryAfterMs !== undefined) {
    return error.retryAfterMs <= policy.maxRetryAfterMs ? error.retryAfterMs : undefined;
  }
  const backOffMs = Math.min(policy.baseDelayMs * 2 ** (failures - 1), policy.maxDelayMs);
  return Math.round(backOffMs * (0.9 + 0.2 * random));
}

/** Whether a request that got this status may succeed later. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/**
 * A `Retry-After` header as milliseconds from `nowMs`: seconds or a date.
 * https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const dateMs = /[a-zA-Z]/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}

/** Runs `operation` until it succeeds, fails for good, or the policy gives up; then throws its last error. */
export async function retrying<T>(
  operation: () => Promise<T>,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      const delayMs = retryDelayMs(policy, failures, error, Math.random());
      if (delayMs === undefined) throw error;
      await wait(delayMs, signal);
    }
  }
}

async function wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(delayMs, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
