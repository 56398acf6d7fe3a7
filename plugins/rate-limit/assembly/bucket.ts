/** The state of one key. Its layout is the plugin's `stateVersion`. */
export class Bucket {
  static readonly BYTES: i32 = 24;

  constructor(
    /** The key's hash: slots are fewer than keys. */
    readonly fingerprint: u64,
    /** When the window began, nanoseconds of the monotonic clock. */
    readonly start: u64,
    /** Tokens taken since then. */
    readonly taken: u64,
  ) {}

  static read(bytes: ArrayBuffer | null): Bucket | null {
    if (bytes === null || bytes.byteLength != Bucket.BYTES) return null;
    const view = new DataView(bytes);
    return new Bucket(view.getUint64(0, true), view.getUint64(8, true), view.getUint64(16, true));
  }

  write(): ArrayBuffer {
    const bytes = new ArrayBuffer(Bucket.BYTES);
    const view = new DataView(bytes);
    view.setUint64(0, this.fingerprint, true);
    view.setUint64(8, this.start, true);
    view.setUint64(16, this.taken, true);
    return bytes;
  }

  /** Another worker's clock reading may be a little later than ours. */
  hasEnded(now: u64, window: u64): bool {
    return now > this.start && now - this.start >= window;
  }
}

/** What became of one request. */
export class Decision {
  constructor(
    readonly admitted: bool,
    readonly remaining: u64,
    /** Until the bucket is full again. */
    readonly resetNs: u64,
    /** The bucket after the request; null where the request changes nothing. */
    readonly bucket: Bucket | null,
  ) {}
}

/**
 * Takes a token. A bucket holds `limit` tokens, is filled whole once per window, and its window begins with the first
 * request that finds it full. So a limit of N admits exactly N in a row.
 */
export function take(bucket: Bucket | null, fingerprint: u64, now: u64, limit: u64, window: u64): Decision {
  if (bucket === null || bucket.hasEnded(now, window)) {
    return new Decision(true, limit - 1, window, new Bucket(fingerprint, now, 1));
  }
  const elapsed = now > bucket.start ? now - bucket.start : 0;
  if (bucket.taken >= limit) return new Decision(false, 0, window - elapsed, null);
  const next = new Bucket(bucket.fingerprint, bucket.start, bucket.taken + 1);
  return new Decision(true, limit - next.taken, window - elapsed, next);
}
