import { Counter } from "@weft/sdk";
import { Condition, conditionsOf } from "./condition";
import { Config, Rule, Share } from "./config";
import { Identity } from "./identity";
import { keyOf } from "./key";
import { Request } from "./request";
import { placeOf, Split, saltOf } from "./split";

/* Positions in a rule's outcomes. */
const WITHOUT_SUBSET = 0;
const WITHOUT_KEY = 1;
const FIRST_SUBSET = 2;

/** What was decided for a request. */
export class Decision {
  constructor(
    readonly rule: DecidingRule,
    /** Position in the rule's outcomes. */
    readonly outcome: i32,
    /** A new key to keep in the rule's cookie; null where there is none. */
    readonly newKey: string | null,
  ) {}

  /** Null: the request stays where the routes send it. */
  get subset(): string | null {
    return this.outcome < FIRST_SUBSET ? null : this.rule.outcomes[this.outcome];
  }
}

/** A rule that can match at this proxy. */
export class DecidingRule {
  /** The key belongs to no share; there is no key; then the subsets, which are DNS labels and have no underscore. */
  readonly outcomes: string[] = ["no_subset", "no_key"];
  /** Of each outcome; whoever counts makes them. */
  counters: Counter[] = [];
  private split: Split | null = null;
  /** All shares are empty: no key is needed. */
  private isPaused: bool = false;
  private readonly salt: u64;

  constructor(
    readonly rule: Rule,
    /** One must hold with all its conditions. */
    private readonly alternatives: Condition[][],
  ) {
    this.salt = saltOf(rule.salt == "" ? rule.name : rule.salt);
    if (rule.split.length == 0) this.outcomes.push(rule.subset);
    else this.split = this.divide(rule.split);
  }

  private divide(shares: Share[]): Split {
    const sizes: i32[] = [];
    let sum = 0;
    for (let i = 0; i < shares.length; i++) {
      this.outcomes.push(shares[i].subset);
      sizes.push(shares[i].size);
      sum += shares[i].size;
    }
    this.isPaused = sum == 0;
    return new Split(sizes);
  }

  matches(request: Request): bool {
    for (let i = 0; i < this.alternatives.length; i++) {
      const conditions = this.alternatives[i];
      let k = 0;
      while (k < conditions.length && conditions[k].holds(request)) k++;
      if (k == conditions.length) return true;
    }
    return false;
  }

  decide(request: Request): Decision {
    const split = this.split;
    if (split === null) return new Decision(this, FIRST_SUBSET, null);
    if (this.isPaused) return new Decision(this, WITHOUT_SUBSET, null);
    const pin = this.rule.pin;
    let key = keyOf(this.rule.key, request);
    let newKey: string | null = null;
    if (key === null && pin.isUsed) {
      const pinned = request.cookie(pin.cookie);
      if (pinned.length > 0 && pinned[0] != "") key = pinned[0];
      else {
        newKey = request.newKey();
        key = newKey;
      }
    }
    if (key === null) return new Decision(this, WITHOUT_KEY, null);
    const owner = split.ownerOf(placeOf(key, this.salt));
    return new Decision(this, owner == 0 ? WITHOUT_SUBSET : FIRST_SUBSET + owner - 1, newKey);
  }
}

/** The rules that can match at a proxy: `source` is settled here, so that it costs no request anything. */
export function rulesFor(config: Config, identity: Identity): DecidingRule[] {
  const rules: DecidingRule[] = [];
  for (let i = 0; i < config.rules.length; i++) {
    const rule = config.rules[i];
    const alternatives: Condition[][] = [];
    for (let k = 0; k < rule.match.length; k++) {
      if (identity.is(rule.match[k].source)) alternatives.push(conditionsOf(rule.match[k], config));
    }
    if (rule.match.length == 0) alternatives.push([]);
    if (alternatives.length > 0) rules.push(new DecidingRule(rule, alternatives));
  }
  return rules;
}

/** The first rule that matches decides; null where none does. */
export function decide(rules: DecidingRule[], request: Request): Decision | null {
  for (let i = 0; i < rules.length; i++) if (rules[i].matches(request)) return rules[i].decide(request);
  return null;
}
