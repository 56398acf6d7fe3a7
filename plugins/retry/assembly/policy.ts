import { HEADERS, STATUS_CODES, UNPROCESSED, words } from "./conditions";
import { Config, NonIdempotent, Rule } from "./config";

/** What is set on a request that may be sent again. */
export class Policy {
  constructor(
    /** 0: it is never retried. */
    readonly maxRetries: u32,
    readonly retryOn: string,
    /** Further conditions of gRPC requests; empty: none. */
    readonly grpcRetryOn: string,
    /** Milliseconds; empty: none. */
    readonly perTryTimeout: string,
  ) {}
}

/** Whether a request may be sent again. */
export enum Verdict {
  Retry,
  /** Only where no server has seen it. */
  Unprocessed,
  /** No: a rule says so. */
  Off,
  /** No: it is not idempotent. */
  NotIdempotent,
}

/** Which requests may be sent again. Pure. */
export class Policies {
  readonly all: Policy;
  private readonly rules: Rule[];
  private readonly ruled: Policy[];
  private readonly methods: string[];
  private readonly nonIdempotent: NonIdempotent;

  constructor(config: Config) {
    this.rules = config.rules;
    this.methods = config.methods;
    this.nonIdempotent = config.nonIdempotent;
    const rule = new Rule();
    this.all = policyOf(config, rule);
    const ruled: Policy[] = [];
    for (let i = 0; i < config.rules.length; i++) ruled.push(policyOf(config, config.rules[i]));
    this.ruled = ruled;
  }

  /** Whether the path of a request is asked for. */
  get hasRules(): bool {
    return this.rules.length > 0;
  }

  /** Number of the first rule that fits; -1 where none does. */
  ruleFor(method: string, path: string): i32 {
    for (let i = 0; i < this.rules.length; i++) {
      const rule = this.rules[i];
      if (!path.startsWith(rule.pathPrefix)) continue;
      if (rule.methods.length == 0 || rule.methods.includes(method)) return i;
    }
    return -1;
  }

  policy(rule: i32): Policy {
    return rule < 0 ? this.all : this.ruled[rule];
  }

  /** Whether the method or the rule alone says that the request may be sent again; then nothing else is asked for. */
  isIdempotent(rule: i32, method: string): bool {
    return (rule >= 0 && this.rules[rule].idempotent) || this.methods.includes(method);
  }

  /** `idempotent`: by `isIdempotent`, or because the request has an idempotency key. */
  verdict(rule: i32, idempotent: bool): Verdict {
    if (this.policy(rule).maxRetries == 0) return Verdict.Off;
    if (idempotent || this.nonIdempotent == NonIdempotent.always) return Verdict.Retry;
    return this.nonIdempotent == NonIdempotent.unprocessed ? Verdict.Unprocessed : Verdict.NotIdempotent;
  }
}

function policyOf(config: Config, rule: Rule): Policy {
  const conditions = words(rule.retryOn == "" ? config.retryOn : rule.retryOn);
  if (config.statusCodes.length > 0 && !conditions.includes(STATUS_CODES)) conditions.push(STATUS_CODES);
  if (config.retriableHeaders.length > 0 && !conditions.includes(HEADERS)) conditions.push(HEADERS);
  const timeoutMs = rule.perTryTimeoutMs > 0 ? rule.perTryTimeoutMs : config.perTryTimeoutMs;
  return new Policy(
    rule.maxRetries < 0 ? config.maxRetries : <u32>rule.maxRetries,
    conditions.join(","),
    words(rule.grpcRetryOn == "" ? config.grpcRetryOn : rule.grpcRetryOn).join(","),
    timeoutMs > 0 ? timeoutMs.toString() : "",
  );
}

/** The conditions under which no server has seen the request. */
export function unprocessed(policy: Policy): Policy {
  return new Policy(policy.maxRetries, UNPROCESSED, "", policy.perTryTimeout);
}

/** Whether a content-type is gRPC's. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
export function isGrpc(contentType: string | null): bool {
  if (contentType === null || !contentType.startsWith("application/grpc")) return false;
  const next = contentType.length > 16 ? contentType.charCodeAt(16) : 43;
  return next == 43 || next == 59;
}
