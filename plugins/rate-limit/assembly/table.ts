import { Counter, hash64, sharedData, Update } from "@weft/sdk";
import { Bucket, Decision, take } from "./bucket";

/** Shared data cannot be deleted, so the number of buckets is fixed. */
const SLOTS: u64 = 4096;
const PROBES: u64 = 4;
const ATTEMPTS = 32;

const shared = new Counter("weft_rate_limit_shared_buckets");
const contended = new Counter("weft_rate_limit_contended");

/** Which bucket a key may take from. */
enum Claim {
  /** Its own, or an empty slot. */
  Own,
  /** Also one whose window is over. */
  Ended,
  /** Any, so that it shares another key's. */
  Any,
}

/** Takes a token from the bucket in one slot, if the key may use it; else `decision` stays null. */
class Take extends Update {
  decision: Decision | null = null;

  constructor(
    private readonly fingerprint: u64,
    private readonly now: u64,
    private readonly limit: u64,
    private readonly window: u64,
    private readonly claim: Claim,
  ) {
    super();
  }

  next(current: ArrayBuffer | null): ArrayBuffer | null {
    this.decision = null;
    const bucket = Bucket.read(current);
    if (bucket !== null && !this.mayUse(bucket)) return null;
    const decision = take(bucket, this.fingerprint, this.now, this.limit, this.window);
    this.decision = decision;
    const next = decision.bucket;
    if (next === null) return null;
    return next.write();
  }

  private mayUse(bucket: Bucket): bool {
    if (bucket.fingerprint == this.fingerprint || this.claim == Claim.Any) return true;
    return this.claim == Claim.Ended && bucket.hasEnded(this.now, this.window);
  }
}

/** The buckets of one rule, in the shared data of the proxy's workers. */
export class BucketTable {
  constructor(
    private readonly rule: string,
    private readonly limit: u64,
    private readonly window: u64,
  ) {}

  /**
   * Takes a token for a key. A key has a few slots to choose from; where other keys hold all of them it shares the
   * first, so that no more than the limit is ever admitted. When the workers are too busy to agree, it is refused.
   */
  take(key: string, now: u64): Decision {
    const fingerprint = hash64(key);
    // Most keys are in their first slot, which costs one look-up.
    let decision = this.takeFrom(0, fingerprint, now, Claim.Own);
    if (decision !== null) return decision;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = this.find(fingerprint, now);
      const isShared = found < 0;
      decision = this.takeFrom(isShared ? 0 : found, fingerprint, now, isShared ? Claim.Any : Claim.Ended);
      if (decision === null) continue;
      if (isShared) shared.increment();
      return decision;
    }
    contended.increment();
    return new Decision(false, 0, 1, null);
  }

  private takeFrom(probe: u64, fingerprint: u64, now: u64, claim: Claim): Decision | null {
    const step = new Take(fingerprint, now, this.limit, this.window, claim);
    return sharedData.update(this.slot(fingerprint, probe), step) ? step.decision : null;
  }

  /* The slot that holds the key, else the first that is free, else -1. */
  private find(fingerprint: u64, now: u64): i64 {
    let free: i64 = -1;
    for (let probe: u64 = 0; probe < PROBES; probe++) {
      const bucket = Bucket.read(sharedData.get(this.slot(fingerprint, probe)));
      // Slots fill in order and stay filled: behind an empty one there is nothing.
      if (bucket === null) return free < 0 ? probe : free;
      if (bucket.hasEnded(now, this.window)) {
        if (free < 0) free = probe;
      } else if (bucket.fingerprint == fingerprint) return probe;
    }
    return free;
  }

  private slot(fingerprint: u64, probe: u64): string {
    return this.rule + "/" + ((fingerprint + probe) % SLOTS).toString();
  }
}
