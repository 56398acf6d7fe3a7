import { compareStrings } from "../model/compare.js";
import { BUCKETS } from "../model/rollout.js";
import type { ObservedProxy } from "./progress.js";

/**
 * The limit that puts a step's share of the proxies into it. Where proxies are few, a weight may hit none of them or
 * all: a step has at least one, or it would show nothing, and leaves one out, or there would be nothing to compare with.
 * It never goes below `floor`, the limit that is in force, so nobody goes back.
 */
export function limitFor(weight: number, floor: number, buckets: readonly number[]): number {
  if (weight >= BUCKETS || buckets.length === 0) return Math.max(weight, floor);
  const lowest = Math.min(...buckets);
  const highest = Math.max(...buckets);
  const reaching = Math.max(weight, lowest + 1);
  return Math.max(floor, lowest < highest ? Math.min(reaching, highest) : reaching);
}

export interface Groups {
  /** Those that have the new version, or will have it. */
  readonly step: readonly ObservedProxy[];
  /** As many that have the old one, where there are as many. */
  readonly control: readonly ObservedProxy[];
}

/** The proxies whose health counts at a limit, and those that they are compared with. */
export function groupsAt(limit: number, proxies: readonly ObservedProxy[]): Groups {
  const ordered = [...proxies].sort((a, b) => a.bucket - b.bucket || compareStrings(a.key, b.key));
  const step = ordered.filter(({ bucket }) => bucket < limit);
  return { step, control: ordered.slice(step.length, 2 * step.length) };
}
