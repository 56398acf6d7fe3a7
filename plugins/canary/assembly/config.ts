import { config, max, min, pattern } from "@weft/sdk";
import { KeySource } from "./key";
import { isHeaderName, isToken } from "./names";
import { Pin } from "./pin";
import { PLACES } from "./split";
import { TextMatch } from "./text-match";

/** The workload that sends the request: the one whose proxy this is. */
@config
export class Source {
  /** Its name; empty: any. */
  @max(253) workload: string = "";
  /** Its namespace; empty: any. */
  @max(63) namespace: string = "";
  /** Labels that it has. */
  @max(16) labels: Map<string, string> = new Map();

  get isEmpty(): bool {
    return this.workload == "" && this.namespace == "" && this.labels.size == 0;
  }

  validate(): string | null {
    return this.isEmpty ? "give a workload, a namespace or labels" : null;
  }
}

/** Conditions that hold together. Of a name with several values, one must match. */
@config
export class Match {
  /** By name; pseudo headers such as `:authority` too. */
  @max(16) headers: Map<string, TextMatch> = new Map();
  /** Claims of a token, by name, from the headers that `claimHeaders` says. */
  @max(16) claims: Map<string, TextMatch> = new Map();
  /** Cookies by name. */
  @max(16) cookies: Map<string, TextMatch> = new Map();
  /** Parameters of the query by name, decoded. */
  @max(16) queryParams: Map<string, TextMatch> = new Map();
  /** The path, without the query. */
  path: TextMatch = new TextMatch();
  /** The method. */
  method: TextMatch = new TextMatch();
  /** The host that the request goes to, in lower case and without the port. */
  host: TextMatch = new TextMatch();
  source: Source = new Source();

  validate(): string | null {
    const headers = this.headers.keys();
    for (let i = 0; i < headers.length; i++) {
      if (!isHeaderName(headers[i])) return 'headers has "' + headers[i] + '", which is no name of a header';
    }
    const cookies = this.cookies.keys();
    for (let i = 0; i < cookies.length; i++) {
      if (!isToken(cookies[i])) return 'cookies has "' + cookies[i] + '", which is no name of a cookie';
    }
    const maps = headers.length + cookies.length + this.claims.size + this.queryParams.size;
    const texts = isGiven(this.path) || isGiven(this.method) || isGiven(this.host);
    if (maps > 0 || texts || !this.source.isEmpty) return null;
    return "give a condition; a rule for every request has no match";
  }
}

/** What is read from JSON has a way to compare. */
export function isGiven(match: TextMatch): bool {
  return match.present || match.exact != "" || match.prefix != "" || match.suffix != "" || match.regex != "";
}

/** A subset's share of the keys. */
@config
export class Share {
  /** The subset's name in the DestinationRule. */
  @min(1) @max(63) @pattern("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$") subset!: string;
  /** In steps of 0.01. */
  @min(0) @max(100) percentage!: f64;

  /** The share in steps. */
  get size(): i32 {
    return <i32>Math.round(this.percentage * (PLACES / 100));
  }

  validate(): string | null {
    const steps = this.percentage * (PLACES / 100);
    return Math.abs(steps - Math.round(steps)) > 0.000001 ? "percentage goes in steps of 0.01" : null;
  }
}

@config
export class Rule {
  /** Names the rule in metrics, and is its salt. */
  @max(63) @pattern("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$") name!: string;
  /** One of these must hold; none: every request. */
  @max(16) match: Match[] = [];
  /** The subset that the requests go to. */
  @max(63) @pattern("^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$") subset: string = "";
  /** In its place: shares of the keys. Other keys stay where the routes send them. */
  @max(8) split: Share[] = [];
  /** Where the key of a split comes from: the first that there is. */
  @max(8) key: KeySource[] = [];
  /** Rules with the same salt choose the same keys; empty: the rule's name. */
  @max(256) salt: string = "";
  /** A cookie for who has no key. */
  pin: Pin = new Pin();

  validate(): string | null {
    const reason = this.subset == "" ? this.splitFault() : this.subsetFault();
    return reason === null ? null : 'rule "' + this.name + '": ' + reason;
  }

  private subsetFault(): string | null {
    if (this.split.length > 0) return "give subset or split, not both";
    const isSticky = this.key.length > 0 || this.pin.isUsed || this.salt != "";
    return isSticky ? "key, pin and salt are for a split, and it has a subset" : null;
  }

  private splitFault(): string | null {
    const split = this.split;
    if (split.length == 0) return "it has no effect: give subset or split";
    let sum = 0;
    for (let i = 0; i < split.length; i++) {
      sum += split[i].size;
      for (let k = 0; k < i; k++) {
        if (split[k].subset == split[i].subset) return 'split has subset "' + split[i].subset + '" twice';
      }
    }
    if (sum > PLACES) return "the percentages of split must be 100 or less together";
    return sum > 0 && this.key.length == 0 && !this.pin.isUsed ? "split needs a key or a pin" : null;
  }
}

@config
export class Config {
  /** In order: the first that matches decides. */
  @min(1) @max(64) rules!: Rule[];
  /** Claims and the headers that they were copied to, as in outputClaimToHeaders of the RequestAuthentication. */
  @max(32) claimHeaders: Map<string, string> = new Map();
  /** Response header that says which rule decided and how; empty: none. */
  @max(256) debugHeader: string = "";

  validate(): string | null {
    if (this.debugHeader != "" && !isToken(this.debugHeader)) {
      return 'field "debugHeader" is "' + this.debugHeader + '"; it must be the name of a header';
    }
    const claims = this.claimHeaders.keys();
    for (let i = 0; i < claims.length; i++) {
      const header = this.claimHeaders.get(claims[i]);
      if (!isToken(header)) {
        return 'field "claimHeaders.' + claims[i] + '" is "' + header + '"; it must be the name of a header';
      }
    }
    for (let i = 0; i < this.rules.length; i++) {
      const reason = this.ruleFault(i);
      if (reason !== null) return 'field "rules[' + i.toString() + ']": rule "' + this.rules[i].name + '": ' + reason;
    }
    return null;
  }

  private ruleFault(position: i32): string | null {
    const rule = this.rules[position];
    for (let i = 0; i < position; i++) {
      const earlier = this.rules[i];
      if (earlier.name == rule.name) return "another rule has this name";
      if (earlier.match.length == 0) return 'it is never reached: rule "' + earlier.name + '" matches every request';
    }
    for (let i = 0; i < rule.match.length; i++) {
      const claims = rule.match[i].claims.keys();
      for (let k = 0; k < claims.length; k++) {
        if (!this.claimHeaders.has(claims[k])) {
          return 'match asks for claim "' + claims[k] + '"; say in claimHeaders which header has it';
        }
      }
    }
    return null;
  }
}
