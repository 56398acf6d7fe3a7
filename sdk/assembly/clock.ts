import { monotonic, realtime } from "./host/clock";

/** The time, as Envoy has it. A look costs 0.15 µs. */
@unmanaged
export class Clock {
  /** Nanoseconds since 1970. */
  get now(): u64 {
    return realtime();
  }

  /** Nanoseconds since an unknown moment, the same for all workers; it never goes back. */
  get monotonic(): u64 {
    return monotonic();
  }
}

/* It has no state. */
export const clock = changetype<Clock>(0);
