/**
 * Whether a service that has failed is asked again. After `threshold` failures in a row it is left alone; then one call
 * in each `retryAfterNs` tries it, and the first that is answered ends it. A call whose end nobody hears of, because its
 * request went away, counts for nothing and blocks nothing.
 */
export class Circuit {
  private failures: u32 = 0;
  private tryAt: u64 = 0;

  constructor(
    private readonly threshold: u32,
    private readonly retryAfterNs: u64,
  ) {}

  get isOpen(): bool {
    return this.failures >= this.threshold;
  }

  /** Whether the service may be asked at this time of the monotonic clock. True is for one call: make it. */
  allows(now: u64): bool {
    if (!this.isOpen) return true;
    if (now < this.tryAt) return false;
    this.tryAt = now + this.retryAfterNs;
    return true;
  }

  /** Returns whether this answer ended it. */
  succeeded(): bool {
    const wasOpen = this.isOpen;
    this.failures = 0;
    return wasOpen;
  }

  /** Returns whether this failure began it. */
  failed(now: u64): bool {
    if (this.isOpen) return false;
    this.failures++;
    if (!this.isOpen) return false;
    this.tryAt = now + this.retryAfterNs;
    return true;
  }
}
