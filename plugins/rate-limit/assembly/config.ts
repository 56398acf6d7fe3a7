import { config, max, min, pattern } from "@weft/sdk";

/** What an entry of a descriptor is taken from. */
export enum Source {
  header,
  path,
  method,
  sourceIdentity,
  sourceAddress,
  query,
  constant,
}

/** What becomes of a request that lacks what an entry is taken from. */
export enum IfMissing {
  share,
  skip,
}

export enum Unit {
  second,
  minute,
  hour,
  day,
}

/** Which header fields tell the client about its limit. */
export enum HeaderStyle {
  draft06,
  structured,
  off,
}

export enum GrpcStatus {
  RESOURCE_EXHAUSTED,
  UNAVAILABLE,
}

/** What decides when the rate limit service does not. */
export enum FailureMode {
  local,
  open,
  closed,
}

/** Seconds of a unit. */
export function secondsOf(unit: Unit): u64 {
  if (unit == Unit.day) return 86400;
  if (unit == Unit.hour) return 3600;
  return unit == Unit.minute ? 60 : 1;
}

/** One header that a request must have. Without `exact` and `prefix` any value will do. */
@config
export class HeaderMatch {
  /** The header's name. */
  @min(1) @max(256) name!: string;
  /** The whole value; empty: not compared. */
  exact: string = "";
  /** The value's beginning; empty: not compared. */
  prefix: string = "";
  /** The request must not be as the other fields say. */
  invert: bool = false;
}

/** Which requests a limit is for: those that all of these are true of. */
@config
export class Match {
  /** The whole path without its query; empty: any. */
  path: string = "";
  /** The path's beginning; empty: any. */
  pathPrefix: string = "";
  /** One of these methods; empty: any. */
  @max(16) methods: string[] = [];
  /** All of these headers. */
  @max(16) headers: HeaderMatch[] = [];
}

/** One part of what requests are told apart by. */
@config
export class EntryConfig {
  /** What the value is taken from. */
  from!: Source;
  /** The name of the header or of the query parameter. */
  @max(256) name: string = "";
  /** The entry's key as the rate limit service knows it; empty: the usual one. */
  @max(256) key: string = "";
  /** The value, of a constant only. */
  @max(256) value: string = "";
  /** `share`: requests without it have one limit together. `skip`: the limit is not for them. */
  ifMissing: IfMissing = IfMissing.share;

  validate(): string | null {
    const named = this.from == Source.header || this.from == Source.query;
    if (named && this.name == "") return '"name" is empty; it must be the name of the header or query parameter';
    if (!named && this.name != "") return '"name" is given; only "header" and "query" have one';
    const isConstant = this.from == Source.constant;
    if (isConstant && this.value == "") return '"value" is empty; a constant must have one';
    if (!isConstant && this.value != "") return '"value" is given; only "constant" has one';
    return null;
  }
}

/** One limit: so many requests in so much time for each descriptor. */
@config
export class LimitConfig {
  /** The limit's name in metrics and headers; its buckets belong to it. */
  @max(64) @pattern("^[a-zA-Z0-9_-]+$") name!: string;
  /** Requests per `units` of `unit`. */
  @min(1) @max(1000000000) requests!: u32;
  /** Unit of time. */
  unit: Unit = Unit.second;
  /** How many units. */
  @min(1) @max(1000) units: u32 = 1;
  /** Requests that are admitted at once after a quiet time; 0: as many as `requests`. */
  @max(1000000000) burst: u32 = 0;
  /** Which requests the limit is for. */
  match: Match = new Match();
  /** What requests are told apart by: each has a bucket of its own. Empty: all share one. */
  @max(8) descriptor: EntryConfig[] = [];
  /** The limit is counted, and refuses nothing. */
  dryRun: bool = false;
  /** The rate limit service decides on it; the local buckets stand in where `global.failureMode` is `local`. */
  global: bool = false;

  /** Length of the time that `requests` are for. */
  get seconds(): u64 {
    return <u64>this.units * secondsOf(this.unit);
  }

  get effectiveBurst(): u64 {
    return this.burst == 0 ? this.requests : this.burst;
  }

  validate(): string | null {
    if (<u64>this.requests > this.seconds * MAX_PER_SECOND) {
      return '"requests" is ' + this.requests.toString() + "; it must be at most 1000000 a second";
    }
    // The largest product is 1e9 x 8.64e7.
    const fillSeconds = (this.effectiveBurst * this.seconds) / this.requests;
    if (fillSeconds <= MAX_FILL_SECONDS) return null;
    return (
      '"burst" is ' +
      this.effectiveBurst.toString() +
      ", which takes " +
      fillSeconds.toString() +
      " s to fill; it must take at most 31622400 s (366 days)"
    );
  }
}

const MAX_PER_SECOND: u64 = 1_000_000;
const MAX_FILL_SECONDS: u64 = 31_622_400;

/** The rate limit service (envoy.service.ratelimit.v3) that decides on limits with `global: true`. */
@config
export class GlobalConfig {
  /** Envoy's cluster of the service, or `callout:<name>` for a callout of the WasmPlugin; empty: there is none. */
  @max(1024) cluster: string = "";
  /** The domain under which the service has its limits. */
  @min(1) @max(256) domain: string = "weft";
  /** How long a request waits for the answer. */
  @min(1) @max(10000) timeoutMs: u32 = 50;
  /** Without an answer: the local buckets decide, every request is admitted, or every request is refused. */
  failureMode: FailureMode = FailureMode.local;
  /** Each descriptor carries its limit's requests and unit, which go before those that the service has. */
  sendLimits: bool = false;
  /** So many calls in a row without an answer, and a worker leaves the service alone. */
  @min(1) @max(1000) failures: u32 = 3;
  /** A service that is left alone is tried with one request of each worker in this time. */
  @min(10) @max(600000) retryAfterMs: u32 = 1000;
}

@config
export class Config {
  /** A request must pass every limit that matches it. */
  @min(1) @max(32) limits!: LimitConfig[];
  /** No limit refuses anything. */
  dryRun: bool = false;
  /** Status of the answer to what is beyond a limit. */
  @min(400) @max(599) status: u32 = 429;
  /** Body of that answer; gRPC clients get it as grpc-message. */
  @max(4096) body: string = "rate limit exceeded\n";
  /** Status that gRPC clients get. */
  grpcStatus: GrpcStatus = GrpcStatus.RESOURCE_EXHAUSTED;
  /** Header fields of the IETF draft on answers: as in draft 06, as structured fields (drafts 08 to 10), or none. */
  headers: HeaderStyle = HeaderStyle.draft06;
  /** Limits in dry run are told to clients too. */
  dryRunHeaders: bool = false;
  /** Buckets of a limit with a descriptor, in each proxy: a multiple of 8. */
  @min(8) @max(1048576) slots: u32 = 4096;
  /** Prefix of the keys in shared data; empty: the plugin's name. Two with the same prefix share their buckets. */
  @max(256) scope: string = "";
  /** Only limits with `global: true` need it. */
  global: GlobalConfig = new GlobalConfig();

  /** Whether the rate limit service decides on any limit. */
  get isGlobal(): bool {
    for (let i = 0; i < this.limits.length; i++) if (this.limits[i].global) return true;
    return false;
  }

  validate(): string | null {
    if (this.slots % 8 != 0) return 'field "slots" is ' + this.slots.toString() + "; it must be a multiple of 8";
    for (let i = 0; i < this.limits.length; i++) {
      const limit = this.limits[i];
      const field = 'field "limits[' + i.toString() + "].";
      if (limit.global && this.global.cluster == "") return field + 'global" is true; it needs "global.cluster"';
      for (let before = 0; before < i; before++) {
        if (this.limits[before].name != limit.name) continue;
        return field + 'name" is "' + limit.name + '"; another limit has it already';
      }
    }
    return null;
  }
}
