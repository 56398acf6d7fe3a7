import { Counter, clock, Gauge, sharedData, Update } from "@weft/sdk";
import { Account, Terms, TOKEN } from "./account";

const KEY = "retry/budget";
/* A worker keeps this part of the balance at hand, so that most requests need not ask the others. */
const SHARE: i64 = 16;

const tokens = new Gauge("weft_retry_budget_tokens");
const contended = new Counter("weft_retry_budget_contended_total");

/* What one worker has, and what the account knows of it. */
class Holdings {
  /** Tokens at hand, and those that requests under way have. */
  free: u32 = 0;
  lent: u32 = 0;
  /** Millionths of a token that are not in the account yet. */
  earned: i64 = 0;
  /** What the account was told that the worker has, and in which of its epochs. */
  reported: u32 = 0;
  epoch: u64 = 0;

  get tokens(): u32 {
    return this.free + this.lent;
  }
}

/* One exchange between a worker and the account. It may be tried several times, so it changes nothing of the worker. */
class Exchange extends Update {
  taken: u32 = 0;
  balance: i64 = 0;
  epoch: u64 = 0;
  private wanted: u32 = 0;
  private returned: u32 = 0;
  private now: u64 = 0;
  private readonly bytes: ArrayBuffer = new ArrayBuffer(Account.BYTES);

  constructor(
    private readonly terms: Terms,
    private readonly holdings: Holdings,
  ) {
    super();
  }

  /** False: the other workers were faster each time, and nothing has happened. */
  run(wanted: u32, returned: u32): bool {
    this.wanted = wanted;
    this.returned = returned;
    this.now = clock.monotonic;
    return sharedData.update(KEY, this);
  }

  next(current: ArrayBuffer | null): ArrayBuffer | null {
    const terms = this.terms;
    const holdings = this.holdings;
    const account = Account.read(current, terms, this.now);
    account.report(holdings.reported, holdings.epoch, holdings.tokens, terms);
    account.earn(holdings.earned, terms);
    account.refill(this.now, terms);
    account.giveBack(this.returned);
    this.taken = account.take(this.wanted);
    if (this.wanted > 0) this.taken += account.take(share(account.balance));
    this.balance = account.balance;
    this.epoch = account.epoch;
    account.write(this.bytes);
    return this.bytes;
  }
}

/* Whole tokens that a worker may keep: none where there are few. */
function share(balance: i64): u32 {
  return <u32>(balance / TOKEN / SHARE);
}

/**
 * Retries that may be made, shared by the proxy's workers. A worker takes tokens from the account that all share, lends
 * them to requests, and keeps a few of those that come back for the requests after. A retry is made only with a token
 * in hand, so the workers together never make more than there were tokens.
 */
export class Budget {
  private readonly holdings: Holdings;
  private readonly exchange: Exchange;
  private kept: u32 = 0;
  private busy: bool = false;
  private closed: bool = false;

  constructor(private readonly terms: Terms) {
    const holdings = new Holdings();
    this.holdings = holdings;
    this.exchange = new Exchange(terms, holdings);
  }

  /** Earns what a request earns, and lends it as many of `wanted` tokens as there are. */
  lend(wanted: u32): u32 {
    const terms = this.terms;
    const holdings = this.holdings;
    this.busy = true;
    holdings.earned = min(holdings.earned + terms.perRequest, terms.maximum);
    if (holdings.free < wanted) this.settle(wanted - holdings.free, 0);
    const granted = min(holdings.free, wanted);
    holdings.free -= granted;
    holdings.lent += granted;
    return granted;
  }

  /** The request that has `granted` tokens is over; it has used up some. */
  takeBack(granted: u32, used: u32): void {
    const holdings = this.holdings;
    holdings.lent -= granted;
    holdings.free += granted - used;
    const kept = this.kept;
    // Twice as many, so that a worker does not go back and forth.
    if (this.closed || holdings.free > kept * 2) this.settle(0, holdings.free - min(kept, holdings.free));
  }

  /** Called about once a second: an idle worker keeps nothing, and the account hears of what requests have. */
  rest(): void {
    const holdings = this.holdings;
    const idle = !this.busy;
    this.busy = false;
    if (holdings.tokens == 0 && holdings.earned == 0 && holdings.reported == 0) return;
    this.settle(0, idle ? holdings.free : 0);
  }

  /** Keeps nothing from now on. */
  close(): void {
    this.closed = true;
    this.busy = false;
    this.rest();
  }

  /* Where the other workers are too busy to agree nothing is lost: it happens the next time. */
  private settle(wanted: u32, returned: u32): void {
    const holdings = this.holdings;
    const exchange = this.exchange;
    if (!exchange.run(wanted, returned)) {
      contended.increment();
      return;
    }
    holdings.free += exchange.taken;
    holdings.free -= returned;
    holdings.earned = 0;
    holdings.reported = holdings.tokens;
    holdings.epoch = exchange.epoch;
    this.kept = this.closed ? 0 : share(exchange.balance);
    tokens.value = exchange.balance / TOKEN;
  }
}
