import { keyPrefix } from "./bucket-table";
import { Config } from "./config";
import { Descriptor, describe, RequestView } from "./descriptor";
import { sharedSeed } from "./descriptor-key";
import { Limit, Share } from "./limit";
import { Standings } from "./standing";

/** What the limits say about one request. Either all of them have been charged or none. */
export class Verdict {
  /** How each limit stands that the client may know of. */
  readonly standings: Standings = new Standings();
  refusedBy: Limit | null = null;
  /** Those that were charged. */
  charged: Share | null = null;

  get admitted(): bool {
    return this.refusedBy === null;
  }

  /** Gives back what was taken, for a request that somebody else refuses. */
  giveBack(): void {
    let at = this.charged;
    while (at !== null) {
      at.giveBack();
      at = at.next;
    }
    this.charged = null;
  }
}

/** The limits of one configuration. */
export class Limiter {
  /** In the order of the configuration. */
  readonly limits: Limit[] = [];
  private readonly found: Descriptor[] = [];

  constructor(
    private readonly config: Config,
    scope: string,
  ) {
    const prefix = keyPrefix(scope);
    const seed = sharedSeed(prefix + "seed");
    for (let i = 0; i < config.limits.length; i++) {
      this.limits.push(new Limit(config.limits[i], config, prefix + "limit/", seed));
    }
  }

  /** The descriptors of the limits that are decided here. The list is the next request's too: do not keep it. */
  localDescriptors(request: RequestView): Descriptor[] {
    const found = this.found;
    found.length = 0;
    this.describeAll(request, false, found);
    return found;
  }

  /** The descriptors of the limits that the rate limit service decides on. */
  globalDescriptors(request: RequestView): Descriptor[] {
    const found: Descriptor[] = [];
    this.describeAll(request, true, found);
    return found;
  }

  private describeAll(request: RequestView, global: bool, found: Descriptor[]): void {
    const limits = this.limits;
    for (let i = 0; i < limits.length; i++) {
      const config = limits[i].config;
      if (config.global != global) continue;
      const descriptor = describe(config, i, request);
      if (descriptor !== null) found.push(descriptor);
    }
  }

  /**
   * Takes a token for each descriptor, or none if a limit refuses. Before anything is taken all limits are looked at,
   * so that what is refused does not disturb others; where a worker was faster in between, what was taken is given
   * back. Limits in dry run are charged where the others admit, and refuse nothing.
   */
  decide(descriptors: Descriptor[]): Verdict {
    const verdict = new Verdict();
    let enforced: Share | null = null;
    let dry: Share | null = null;
    for (let i = descriptors.length - 1; i >= 0; i--) {
      const limit = this.limits[descriptors[i].limit];
      const share = new Share(limit, descriptors[i]);
      share.next = limit.dryRun ? dry : enforced;
      if (limit.dryRun) dry = share;
      else enforced = share;
    }
    verdict.refusedBy = takeAll(enforced);
    tell(verdict, enforced);
    if (!verdict.admitted) {
      // It counts for the limit that refuses it only.
      verdict.refusedBy!.limited.increment();
      return verdict;
    }
    let last: Share | null = null;
    let at = enforced;
    while (at !== null) {
      at.limit.admitted.increment();
      last = at;
      at = at.next;
    }
    at = dry;
    while (at !== null) {
      (at.take() ? at.limit.admitted : at.limit.limited).increment();
      at = at.next;
    }
    if (this.config.dryRunHeaders) tell(verdict, dry);
    if (last === null) verdict.charged = dry;
    else {
      verdict.charged = enforced;
      last.next = dry;
    }
    return verdict;
  }

  /** Whether none of these limits refuses anything. */
  areAllDry(descriptors: Descriptor[]): bool {
    for (let i = 0; i < descriptors.length; i++) if (!this.limits[descriptors[i].limit].dryRun) return false;
    return true;
  }
}

function tell(verdict: Verdict, shares: Share | null): void {
  let at = shares;
  while (at !== null) {
    verdict.standings.push(at.standing);
    at = at.next;
  }
}

/* The limit that refuses, or null: then a token of each has been taken. */
function takeAll(shares: Share | null): Limit | null {
  if (shares === null) return null;
  // With one limit, taking is as good as looking.
  if (shares.next !== null) {
    const refused = lookAtAll(shares);
    if (refused !== null) return refused;
  }
  for (let at: Share | null = shares; at !== null; at = at.next) {
    if (at.take()) continue;
    for (let taken = shares; taken !== at; taken = taken.next!) taken.giveBack();
    return at.limit;
  }
  return null;
}

/* The limit that makes the client wait longest, or null: then all would admit. */
function lookAtAll(shares: Share): Limit | null {
  let refused: Share | null = null;
  for (let at: Share | null = shares; at !== null; at = at.next) {
    if (at.look()) continue;
    if (refused === null || at.waitTicks > refused.waitTicks) refused = at;
  }
  return refused === null ? null : refused.limit;
}
