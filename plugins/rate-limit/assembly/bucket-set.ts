/*
 * A set of token buckets in one value of shared data, so that finding a key's bucket, giving it a place and taking from
 * it are one compare and swap. A bucket is the moment at which it is full again (in ticks): a token moves that on by the
 * rate's cost, and time does the rest, without sums that could drift.
 *
 * Layout (little endian): cost at the time of writing, the bucket that keys without a place share, then per place the
 * fingerprint of its key and its bucket. A change of it needs a new stateVersion (plugin.yaml) and BucketTable.LAYOUT.
 */
import { Rate } from "./rate";

const SHARED: usize = 8;
const PLACES: usize = 16;
const PLACE_BYTES: usize = 16;
const BUCKET: usize = 8;

/** Where a key has its bucket. */
export enum Place {
  Own,
  /** In a place that was empty. */
  Added,
  /** In a place whose key's bucket was full, and so as good as none. */
  Replaced,
  /** Nowhere: it shares one with other keys. */
  Shared,
}

/** What became of a request for tokens. */
export class Taken {
  constructor(
    readonly admitted: bool,
    readonly place: Place,
    /** Whole tokens left. */
    readonly remaining: u64,
    /** Until there is a token; 0 where there is one. */
    readonly waitTicks: u64,
    /** Until the bucket is full. */
    readonly fullTicks: u64,
    /** The set after it; null where nothing changes. */
    readonly next: ArrayBuffer | null,
  ) {}
}

/** One set as it is at one moment. The stored bytes are its own: it changes them in place. */
export class BucketSet {
  private readonly bytes: ArrayBuffer | null;
  private readonly end: usize;

  constructor(
    stored: ArrayBuffer | null,
    private readonly rate: Rate,
    private readonly now: u64,
    private readonly maxPlaces: i32,
  ) {
    const size: usize = stored === null ? 0 : <usize>stored.byteLength;
    const isSet = size >= PLACES && size % PLACE_BYTES == 0;
    this.bytes = isSet ? stored : null;
    this.end = isSet ? size : PLACES;
    if (isSet) this.convert();
  }

  /* After a change of the rate what was taken stays taken; where the bucket has become smaller, it is empty. */
  private convert(): void {
    const data = changetype<usize>(this.bytes);
    const cost = load<u64>(data);
    const factor = cost == 0 ? 0 : <f64>this.rate.cost / <f64>cost;
    store<u64>(data, this.rate.cost);
    for (let at = SHARED; at < this.end; at += PLACE_BYTES) {
      // The shared bucket and those of the places are 16 bytes apart.
      const full = load<u64>(data + at);
      if (full <= this.now) continue;
      let debt = full - this.now;
      if (cost != this.rate.cost) debt = <u64>(<f64>debt * factor);
      store<u64>(data + at, this.now + min(debt, this.rate.capacity));
    }
  }

  /** Takes `tokens` from a key's bucket, all or none. */
  take(key: u64, tokens: u64): Taken {
    const at = this.find(key);
    let place = Place.Own;
    let offset = at;
    if (at == 0) {
      offset = this.findFree();
      place = offset == 0 ? Place.Shared : offset < this.end ? Place.Replaced : Place.Added;
    }
    const rate = this.rate;
    // A key that comes to a place may have taken from the shared bucket before.
    const from = max(this.now, this.fullAt(place == Place.Own ? offset + BUCKET : SHARED));
    const full = from + tokens * rate.cost;
    const limit = this.now + rate.capacity;
    if (full > limit) {
      const remaining = limit > from ? (limit - from) / rate.cost : 0;
      return new Taken(false, place, remaining, full - limit, from - this.now, null);
    }
    const next = this.writable(place == Place.Added);
    const data = changetype<usize>(next);
    store<u64>(data, rate.cost);
    if (place == Place.Shared) store<u64>(data + SHARED, full);
    else {
      store<u64>(data + offset, key);
      store<u64>(data + offset + BUCKET, full);
    }
    return new Taken(true, place, (limit - full) / rate.cost, 0, full - this.now, next);
  }

  /** Puts tokens back that were taken just before; null where that changes nothing. */
  giveBack(key: u64, place: Place, tokens: u64): ArrayBuffer | null {
    let offset = SHARED;
    if (place != Place.Shared) {
      const at = this.find(key);
      if (at == 0) return null;
      offset = at + BUCKET;
    }
    const full = this.fullAt(offset);
    if (full <= this.now) return null;
    const next = this.writable(false);
    store<u64>(changetype<usize>(next) + offset, full - min(full, tokens * this.rate.cost));
    return next;
  }

  private fullAt(offset: usize): u64 {
    return this.bytes === null ? 0 : load<u64>(changetype<usize>(this.bytes) + offset);
  }

  /* The offset of the key's place, or 0. */
  private find(key: u64): usize {
    const data = changetype<usize>(this.bytes);
    for (let at = PLACES; at < this.end; at += PLACE_BYTES) if (load<u64>(data + at) == key) return at;
    return 0;
  }

  /* The offset of a place whose bucket is full, else of a new one at the end, else 0. */
  private findFree(): usize {
    const data = changetype<usize>(this.bytes);
    for (let at = PLACES; at < this.end; at += PLACE_BYTES) if (load<u64>(data + at + BUCKET) <= this.now) return at;
    return this.end < PLACES + PLACE_BYTES * <usize>this.maxPlaces ? this.end : 0;
  }

  /* The bytes, larger by a place where it `grows`. */
  private writable(grows: bool): ArrayBuffer {
    const bytes = this.bytes;
    if (bytes !== null && !grows) return bytes;
    const next = new ArrayBuffer(<i32>(this.end + PLACE_BYTES));
    if (bytes !== null) memory.copy(changetype<usize>(next), changetype<usize>(bytes), this.end);
    return next;
  }
}
