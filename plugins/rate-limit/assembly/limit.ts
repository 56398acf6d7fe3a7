import { Counter, CounterFamily } from "@weft/sdk";
import { Taken } from "./bucket-set";
import { BucketTable } from "./bucket-table";
import { Config, LimitConfig } from "./config";
import { Descriptor } from "./descriptor";
import { keyOfDescriptor } from "./descriptor-key";
import { Policy } from "./policy";
import { Rate, secondsOfTicks } from "./rate";
import { Standing } from "./standing";

/* Of the module, as a metric is defined once in a VM. */
const requests = new CounterFamily("weft_rate_limit_requests", ["limit", "outcome"]);

/** A limit of the configuration at work. */
export class Limit {
  readonly dryRun: bool;
  readonly policy: Policy;
  readonly rate: Rate;
  readonly table: BucketTable;
  readonly admitted: Counter;
  readonly limited: Counter;

  constructor(
    readonly config: LimitConfig,
    plugin: Config,
    prefix: string,
    private readonly seed: u64,
  ) {
    const dryRun = plugin.dryRun || config.dryRun;
    const rate = new Rate(config.requests, config.seconds, config.effectiveBurst);
    this.dryRun = dryRun;
    this.policy = new Policy(config.name, config.requests, config.seconds, config.effectiveBurst);
    this.rate = rate;
    this.table = new BucketTable(prefix + config.name + "/", rate, config.descriptor.length == 0 ? 1 : plugin.slots);
    this.admitted = requests.with([config.name, "admitted"]);
    this.limited = requests.with([config.name, dryRun ? "dry_run_limited" : "limited"]);
  }

  keyOf(descriptor: Descriptor): u64 {
    return keyOfDescriptor(descriptor, this.seed);
  }
}

/** One limit's part in the decision on a request. */
export class Share {
  /** The share of the next limit that the request is for. */
  next: Share | null = null;
  private taken: Taken | null = null;
  private readonly key: u64;

  constructor(
    readonly limit: Limit,
    descriptor: Descriptor,
  ) {
    this.key = limit.keyOf(descriptor);
  }

  /** Whether a token could be taken. Where the workers cannot agree it is refused, so that no limit is ever exceeded. */
  take(): bool {
    const taken = this.limit.table.take(this.key, 1);
    this.taken = taken;
    return taken !== null && taken.admitted;
  }

  /** Whether `take` would succeed now. */
  look(): bool {
    const taken = this.limit.table.look(this.key, 1);
    this.taken = taken;
    return taken.admitted;
  }

  /** After a `take` that succeeded. */
  giveBack(): void {
    const taken = this.taken;
    if (taken !== null && taken.admitted) this.limit.table.giveBack(this.key, taken.place, 1);
  }

  get waitTicks(): u64 {
    const taken = this.taken;
    return taken === null ? 0 : taken.waitTicks;
  }

  get standing(): Standing {
    const taken = this.taken;
    if (taken === null) return new Standing(this.limit.policy, 0, 1, 1);
    const retry = secondsOfTicks(taken.waitTicks);
    const untilNext = taken.admitted ? taken.fullTicks - (this.limit.rate.burst - 1) * this.limit.rate.cost : 0;
    const reset =
      taken.remaining > 0 ? secondsOfTicks(taken.fullTicks) : taken.admitted ? secondsOfTicks(untilNext) : retry;
    return new Standing(this.limit.policy, taken.remaining, retry, reset);
  }
}
