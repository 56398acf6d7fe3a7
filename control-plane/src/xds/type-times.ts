import type { ResourceView } from "../model/resource.js";
import type { Effect } from "./delta-stream.js";
import { isBehind } from "./push-order.js";
import type { TypeState } from "./subscription.js";

/** When a client was told something of a type, and what it said; milliseconds since 1970. */
export interface TypeTimes {
  readonly sentAtMs?: number;
  readonly ackedAtMs?: number;
  readonly nackedAtMs?: number;
  /** Since then the client has not had all that it should have. Absent: it has. */
  readonly staleSinceMs?: number;
}

/** The times after an effect. */
export function afterEffect(times: TypeTimes, effect: Exclude<Effect, { kind: "abort" }>, nowMs: number): TypeTimes {
  switch (effect.kind) {
    case "send":
      return { ...times, sentAtMs: nowMs };
    case "acked":
      return { ...times, ackedAtMs: nowMs };
    case "nacked":
      return { ...times, nackedAtMs: nowMs };
  }
}

/** The times after a step: whether the client has all of a type, and since when it has not. */
export function afterStep(times: TypeTimes, state: TypeState, view: ResourceView, nowMs: number): TypeTimes {
  const { staleSinceMs, ...rest } = times;
  return isStale(state, view) ? { ...rest, staleSinceMs: staleSinceMs ?? nowMs } : rest;
}

function isStale(state: TypeState, view: ResourceView): boolean {
  return (
    state.inFlight !== undefined ||
    state.asked.size + state.changed.size + state.leaving.size > 0 ||
    isBehind(state, view)
  );
}
