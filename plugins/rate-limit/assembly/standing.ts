import { Policy } from "./policy";

/** How one limit stands after a request: what its client is told. */
export class Standing {
  next: Standing | null = null;

  constructor(
    readonly policy: Policy,
    readonly remaining: u64,
    /** Until a request will be admitted; 0 where this one was. */
    readonly retrySeconds: u64,
    /** Until more is left than now: the next token where none is, else a full bucket. */
    readonly resetSeconds: u64,
  ) {}

  isTighterThan(other: Standing): bool {
    if (this.retrySeconds != other.retrySeconds) return this.retrySeconds > other.retrySeconds;
    return this.remaining < other.remaining;
  }
}

/** A list of them. Most requests have one limit: an array would cost as much as the decision. */
export class Standings {
  first: Standing | null = null;
  private last: Standing | null = null;

  push(standing: Standing): void {
    const last = this.last;
    if (last === null) this.first = standing;
    else last.next = standing;
    this.last = standing;
  }

  /** Adds all of another list, which is then a part of this one. */
  append(others: Standings): void {
    const first = others.first;
    if (first === null) return;
    this.push(first);
    this.last = others.last;
  }

  /** The longest that any limit wants the client to wait. */
  get retrySeconds(): u64 {
    let longest: u64 = 1;
    let at = this.first;
    while (at !== null) {
      longest = max(longest, at.retrySeconds);
      at = at.next;
    }
    return longest;
  }

  /**
   * The one that leaves the client least: what refuses before what admits, the longest wait, the fewest requests, the
   * order of the configuration.
   */
  get mostConstraining(): Standing | null {
    let least = this.first;
    let at = this.first;
    while (at !== null) {
      if (least === null || at.isTighterThan(least)) least = at;
      at = at.next;
    }
    return least;
  }
}
