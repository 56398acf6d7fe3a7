import { sharedData, Update } from "@weft/sdk";

const KEY = "retry/budget";
const BYTES = 8;
/** Tokens are counted in thousandths, so that a request can earn a part of one. */
const TOKEN: i64 = 1000;

/** Earns what one request earns, then reserves as many whole tokens as there are, up to a number. Pure. */
export class Reservation {
  constructor(
    readonly balance: i64,
    readonly reserved: u32,
  ) {}
}

export function reserve(balance: i64, earned: i64, maximum: i64, wanted: u32): Reservation {
  const after = min(balance + earned, maximum);
  const granted = <u32>min(after / TOKEN, <i64>wanted);
  return new Reservation(after - <i64>granted * TOKEN, granted);
}

function read(bytes: ArrayBuffer | null, initial: i64): i64 {
  if (bytes === null || bytes.byteLength != BYTES) return initial;
  return new DataView(bytes).getInt64(0, true);
}

function write(balance: i64): ArrayBuffer {
  const bytes = new ArrayBuffer(BYTES);
  new DataView(bytes).setInt64(0, balance, true);
  return bytes;
}

class Reserve extends Update {
  reserved: u32 = 0;

  constructor(
    private readonly budget: Budget,
    private readonly wanted: u32,
  ) {
    super();
  }

  next(current: ArrayBuffer | null): ArrayBuffer | null {
    const budget = this.budget;
    const result = reserve(read(current, budget.initial), budget.earned, budget.maximum, this.wanted);
    this.reserved = result.reserved;
    return write(result.balance);
  }
}

class GiveBack extends Update {
  constructor(
    private readonly budget: Budget,
    private readonly tokens: u32,
  ) {
    super();
  }

  next(current: ArrayBuffer | null): ArrayBuffer | null {
    const budget = this.budget;
    return write(min(read(current, budget.initial) + <i64>this.tokens * TOKEN, budget.maximum));
  }
}

/** Retries that may be made, shared by the proxy's workers: never more than the tokens there are. */
export class Budget {
  readonly earned: i64;
  readonly initial: i64;
  readonly maximum: i64;

  constructor(tokensPerRequest: f64, minimum: u32, maximum: u32) {
    this.earned = <i64>(tokensPerRequest * <f64>TOKEN);
    this.initial = <i64>minimum * TOKEN;
    this.maximum = <i64>max(minimum, maximum) * TOKEN;
  }

  /** How many tokens of `wanted` could be had. None where the workers are too busy to agree. */
  reserve(wanted: u32): u32 {
    const step = new Reserve(this, wanted);
    return sharedData.update(KEY, step) ? step.reserved : 0;
  }

  giveBack(tokens: u32): void {
    if (tokens > 0) sharedData.update(KEY, new GiveBack(this, tokens), 64);
  }
}
