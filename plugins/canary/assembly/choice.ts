import { hash64 } from "@weft/sdk";

const BUCKETS: u64 = 10_000;

/**
 * Whether a key belongs to a share of all keys. Each key has a fixed place from 0 to 100 percent: a larger share keeps
 * the keys of a smaller one.
 */
export function inShare(key: string, percentage: f64): bool {
  return <f64>(hash64(key) % BUCKETS) < percentage * 100;
}
