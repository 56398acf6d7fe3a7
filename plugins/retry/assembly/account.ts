/** Tokens are counted in millionths, so that a request can earn a part of one. */
export const TOKEN: i64 = 1_000_000;
const SECOND: f64 = 1_000_000_000;

/** After two of these, nanoseconds, what nobody has declared is forgotten: those who held it are gone. */
export const EPOCH: u64 = 10_000_000_000;

/** The rules of a budget. */
export class Terms {
  /** Millionths of a token. */
  readonly initial: i64;
  readonly maximum: i64;
  readonly perRequest: i64;
  /** Millionths of a token in a nanosecond. */
  readonly rate: f64;

  constructor(tokensPerRequest: f64, tokensPerSecond: f64, minimum: u32, maximum: u32) {
    this.initial = <i64>minimum * TOKEN;
    this.maximum = <i64>max(minimum, maximum) * TOKEN;
    this.perRequest = <i64>nearest(tokensPerRequest * <f64>TOKEN);
    this.rate = (tokensPerSecond * <f64>TOKEN) / SECOND;
  }
}

/**
 * The budget as the workers share it. What they hold, for requests under way or ready for the next, has left the
 * balance and counts towards the maximum: balance and holdings together never exceed it, and tokens come into being
 * only where they are earned. Its layout is the plugin's `stateVersion`. Pure.
 */
export class Account {
  static readonly BYTES: i32 = 32;

  private constructor(
    /** Millionths of a token. */
    public balance: i64,
    /** Tokens that workers hold, as declared in this epoch, and as declared in the last one and not since. */
    public held: u32,
    public heldBefore: u32,
    public epoch: u64,
    /** Until when tokensPerSecond has been added, nanoseconds of the monotonic clock. */
    public refilled: u64,
  ) {}

  /** A new one where there is none. */
  static read(bytes: ArrayBuffer | null, terms: Terms, now: u64): Account {
    if (bytes === null || bytes.byteLength != Account.BYTES) return new Account(terms.initial, 0, 0, now / EPOCH, now);
    const view = new DataView(bytes);
    const account = new Account(
      view.getInt64(0, true),
      view.getUint32(8, true),
      view.getUint32(12, true),
      view.getUint64(16, true),
      view.getUint64(24, true),
    );
    account.turn(now / EPOCH);
    return account;
  }

  write(bytes: ArrayBuffer): void {
    const view = new DataView(bytes);
    view.setInt64(0, this.balance, true);
    view.setUint32(8, this.held, true);
    view.setUint32(12, this.heldBefore, true);
    view.setUint64(16, this.epoch, true);
    view.setUint64(24, this.refilled, true);
  }

  /* Another worker's clock reading may be a little earlier than ours. */
  private turn(epoch: u64): void {
    if (epoch <= this.epoch) return;
    this.heldBefore = epoch == this.epoch + 1 ? this.held : 0;
    this.held = 0;
    this.epoch = epoch;
  }

  /** A worker says that it now has `tokens`; the last time, in `epoch`, it said `before`. Retries are the difference. */
  report(before: u32, epoch: u64, tokens: u32, terms: Terms): void {
    if (epoch == this.epoch) this.held -= min(before, this.held);
    else if (epoch + 1 == this.epoch) this.heldBefore -= min(before, this.heldBefore);
    this.held += tokens;
    // The maximum is lower than it was, or the worker had been forgotten.
    const excess = -this.room(terms);
    if (excess > 0) this.balance -= min(excess, this.balance);
  }

  /** Millionths of a token. What does not fit is lost. */
  earn(amount: i64, terms: Terms): void {
    this.balance += min(amount, max(this.room(terms), 0));
  }

  /** Adds what came by itself since the last time. */
  refill(now: u64, terms: Terms): void {
    if (terms.rate == 0 || now <= this.refilled) {
      this.refilled = max(this.refilled, now);
      return;
    }
    const amount = <i64>min(<f64>(now - this.refilled) * terms.rate, <f64>terms.maximum);
    // Only as much time as that took: the rest counts the next time.
    if (amount < terms.maximum) this.refilled = min(now, this.refilled + <u64>ceil(<f64>amount / terms.rate));
    else this.refilled = now;
    this.earn(amount, terms);
  }

  /** Hands up to `tokens` to a worker, in whole ones. Returns how many. */
  take(tokens: u32): u32 {
    const taken = <u32>min(<i64>tokens, this.balance / TOKEN);
    this.balance -= <i64>taken * TOKEN;
    this.held += taken;
    return taken;
  }

  giveBack(tokens: u32): void {
    const returned = min(tokens, this.held);
    this.held -= returned;
    this.balance += <i64>returned * TOKEN;
  }

  private room(terms: Terms): i64 {
    return terms.maximum - this.balance - (<i64>this.held + <i64>this.heldBefore) * TOKEN;
  }
}
