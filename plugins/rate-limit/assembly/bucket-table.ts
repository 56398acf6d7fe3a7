import { Counter, clock, sharedData, Update } from "@weft/sdk";
import { BucketSet, Place, Taken } from "./bucket-set";
import { Rate, ticksOf } from "./rate";

/** Of the set's bytes and of the keys' names: the manifest's stateVersion. */
const LAYOUT = "2";
export const PLACES_PER_SET: i32 = 8;
/** In each round at least one worker succeeds; that one fails so often in a row does not happen by itself. */
const ATTEMPTS = 128;

const added = new Counter("weft_rate_limit_descriptors_added");
const replaced = new Counter("weft_rate_limit_descriptors_replaced");
const shared = new Counter("weft_rate_limit_descriptors_shared");
const contended = new Counter("weft_rate_limit_contended");

function countPlace(taken: Taken): void {
  const place = taken.place;
  if (place == Place.Own) return;
  if (place == Place.Shared) shared.increment();
  // Who is refused gets no place.
  else if (taken.admitted) (place == Place.Added ? added : replaced).increment();
}

/* One for all requests of a table: nothing else runs on the worker meanwhile. */
class Take extends Update {
  key: u64 = 0;
  tokens: u64 = 0;
  taken: Taken | null = null;

  constructor(private readonly table: BucketTable) {
    super();
  }

  next(current: ArrayBuffer | null): ArrayBuffer | null {
    const taken = this.table.setOf(current).take(this.key, this.tokens);
    this.taken = taken;
    return taken.next;
  }
}

class GiveBack extends Update {
  constructor(
    private readonly table: BucketTable,
    private readonly key: u64,
    private readonly place: Place,
    private readonly tokens: u64,
  ) {
    super();
  }

  next(current: ArrayBuffer | null): ArrayBuffer | null {
    return this.table.setOf(current).giveBack(this.key, this.place, this.tokens);
  }
}

/** The prefix of everything that a plugin keeps in shared data. */
export function keyPrefix(scope: string): string {
  return "rate-limit/" + LAYOUT + "/" + scope + "/";
}

/** The buckets of one limit, in the shared data of the proxy's workers. Shared data has no delete: it never grows. */
export class BucketTable {
  private readonly sets: u64;
  private readonly places: i32;
  private step: Take | null = null;

  /** `slots` is a multiple of PLACES_PER_SET, or 1 for a limit whose requests share one bucket. */
  constructor(
    private readonly prefix: string,
    private readonly rate: Rate,
    slots: u32,
  ) {
    this.places = slots == 1 ? 1 : PLACES_PER_SET;
    this.sets = slots / this.places;
    this.step = new Take(this);
  }

  /** Null: the workers were too busy to agree. */
  take(key: u64, tokens: u64): Taken | null {
    const step = this.step!;
    step.key = key;
    step.tokens = tokens;
    if (!sharedData.update(this.nameOf(key), step, ATTEMPTS)) {
      contended.increment();
      return null;
    }
    const taken = step.taken!;
    step.taken = null;
    countPlace(taken);
    return taken;
  }

  /** What `take` would give now. */
  look(key: u64, tokens: u64): Taken {
    return this.setOf(sharedData.get(this.nameOf(key))).take(key, tokens);
  }

  giveBack(key: u64, place: Place, tokens: u64): void {
    if (!sharedData.update(this.nameOf(key), new GiveBack(this, key, place, tokens), ATTEMPTS)) contended.increment();
  }

  /* The clock is read after the value: then no worker's time is behind that of who wrote it. */
  setOf(stored: ArrayBuffer | null): BucketSet {
    return new BucketSet(stored, this.rate, ticksOf(clock.monotonic), this.places);
  }

  private nameOf(key: u64): string {
    return this.sets == 1 ? this.prefix : this.prefix + (key % this.sets).toString();
  }
}
