/*
 * Time in sixteenths of a nanosecond: fine enough that a million requests a second are kept to 0.01 %, and coarse
 * enough that 64 bits hold 36 years of it.
 */
const TICKS_PER_NANOSECOND: u64 = 16;
const TICKS_PER_SECOND: u64 = 16_000_000_000;

export function ticksOf(nanoseconds: u64): u64 {
  return nanoseconds * TICKS_PER_NANOSECOND;
}

/** Rounded up: who waits that long is admitted. */
export function secondsOfTicks(ticks: u64): u64 {
  return (ticks + TICKS_PER_SECOND - 1) / TICKS_PER_SECOND;
}

/** How fast a bucket fills, and how much it holds. */
export class Rate {
  /** Ticks that a token takes to come back; rounded up, so that never more is admitted than the rate. */
  readonly cost: u64;
  /** Ticks that an empty bucket takes to fill. */
  readonly capacity: u64;

  constructor(
    requests: u64,
    seconds: u64,
    readonly burst: u64,
  ) {
    this.cost = (seconds * TICKS_PER_SECOND + requests - 1) / requests;
    this.capacity = burst * this.cost;
  }
}
