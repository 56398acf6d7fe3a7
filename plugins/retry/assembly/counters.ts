import { Counter, CounterFamily } from "@weft/sdk";

/** Retries that were made, of requests that the plugin let be retried. */
export const retries = new Counter("weft_retry_retries_total");
/** Requests whose answer was good after a retry. */
export const succeeded = new Counter("weft_retry_succeeded_total");
/** Requests that failed after all retries that they had, by why the last try failed. */
export const exhausted = new CounterFamily("weft_retry_exhausted_total", ["reason"]);
/** Requests that failed after a retry, with retries left: no condition held any more, or the client had left. */
export const stopped = new CounterFamily("weft_retry_stopped_total", ["reason"]);
const notRetried = new CounterFamily("weft_retry_not_retried_total", ["reason"]);
/** Requests that the plugin did not let be retried: for their method, and by a rule. */
export const notIdempotent = notRetried.with(["not_idempotent"]);
export const off = notRetried.with(["rule"]);
/** Requests for which there was no token. */
export const budgetExhausted = new Counter("weft_retry_budget_exhausted_total");
