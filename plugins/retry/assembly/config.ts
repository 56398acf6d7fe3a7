import { config, max, min, pattern } from "@weft/sdk";
import { grpcFault, HEADERS, httpFault, STATUS_CODES, words } from "./conditions";

/** How many retries there may be, for all workers of the proxy together. */
@config
export class BudgetConfig {
  /** Tokens that each request earns that may be retried; a retry costs one. 0.2: one retry for five requests. */
  @min(0) @max(100) tokensPerRequest: f64 = 0.2;
  /** Tokens that come by themselves, for callers with few requests. */
  @min(0) @max(10000) tokensPerSecond: f64 = 0;
  /** Tokens at the start. */
  @max(1000000) minimum: u32 = 10;
  /** Tokens that there can be at most, those that requests under way hold among them; at least `minimum`. */
  @max(1000000) maximum: u32 = 1000;
}

/** What may happen to requests that are not idempotent. */
export enum NonIdempotent {
  never,
  unprocessed,
  always,
}

/** What holds for requests that the plugin does not retry. */
export enum Otherwise {
  none,
  route,
}

/** Other values for some requests. */
@config
export class Rule {
  /** Beginning of the path; for gRPC `/package.Service/Method`. */
  @pattern("^/") @max(1024) pathPrefix: string = "/";
  /** Methods that the rule is for; empty: all. */
  @max(16) methods: string[] = [];
  /** These requests may be sent again whatever their method is. */
  idempotent: bool = false;
  /** As above; -1: the plugin's own; 0: never retried. */
  @min(-1) @max(10) maxRetries: i32 = -1;
  /** As above; empty: the plugin's own. */
  @max(256) retryOn: string = "";
  /** As above; empty: the plugin's own. */
  @max(256) grpcRetryOn: string = "";
  /** As above; 0: the plugin's own. */
  @max(3600000) perTryTimeoutMs: u32 = 0;

  validate(): string | null {
    const http = httpFault(this.retryOn);
    if (http !== null) return http;
    const grpc = grpcFault(this.grpcRetryOn);
    return grpc !== null ? grpc : methodsFault(this.methods);
  }
}

@config
export class Config {
  /** Envoy's conditions for a retry, separated by commas, as in its header x-envoy-retry-on. */
  @min(1) @max(256) retryOn: string = "5xx,reset,connect-failure";
  /** Statuses that are retried beyond these conditions. */
  @max(32) statusCodes: u32[] = [];
  /** Names of response headers; an answer that has one of them is retried. */
  @max(16) retriableHeaders: string[] = [];
  /** The conditions that gRPC requests have besides, as in x-envoy-retry-grpc-on. Empty: none. */
  @max(256) grpcRetryOn: string = "unavailable";
  /** Retries of one request; the first try is not one. */
  @min(1) @max(10) maxRetries: u32 = 3;
  /** Limit of each try, in milliseconds; 0: none but the route's. */
  @max(3600000) perTryTimeoutMs: u32 = 0;
  /** Methods that may be sent again. The default are the idempotent ones of RFC 9110. */
  @max(32) methods: string[] = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"];
  /** A request with this header may be sent again whatever its method is. Empty: none. */
  @pattern("^[0-9A-Za-z-]*$") @max(128) idempotencyHeader: string = "idempotency-key";
  /** Whether other methods are retried: never, only where no server has seen the request, or always. */
  nonIdempotent: NonIdempotent = NonIdempotent.never;
  /** What holds for requests that the plugin does not retry: no retries, or those of their route. */
  otherwise: Otherwise = Otherwise.none;
  /** The first that fits a request holds for it. */
  @max(64) rules: Rule[] = [];
  budget: BudgetConfig = new BudgetConfig();

  validate(): string | null {
    const http = httpFault(this.retryOn);
    if (http !== null) return http;
    const grpc = grpcFault(this.grpcRetryOn);
    if (grpc !== null) return grpc;
    for (let i = 0; i < this.statusCodes.length; i++) {
      const code = this.statusCodes[i];
      if (code >= 200 && code <= 599) continue;
      return item("statusCodes", i, code.toString()) + "must be a status from 200 to 599";
    }
    for (let i = 0; i < this.retriableHeaders.length; i++) {
      const name = this.retriableHeaders[i];
      if (!isToken(name)) return item("retriableHeaders", i, '"' + name + '"') + "must be the name of a header";
    }
    return this.unmetFault() || methodsFault(this.methods);
  }

  /* Conditions that would never hold, as what they look at is not named. */
  private unmetFault(): string | null {
    let i = -1;
    let list = this.retryOn;
    while (true) {
      const conditions = words(list);
      if (this.statusCodes.length == 0 && conditions.includes(STATUS_CODES)) {
        return unmet(i, STATUS_CODES, "statusCodes");
      }
      if (this.retriableHeaders.length == 0 && conditions.includes(HEADERS))
        return unmet(i, HEADERS, "retriableHeaders");
      if (++i == this.rules.length) return null;
      list = this.rules[i].retryOn;
    }
  }
}

function unmet(rule: i32, condition: string, field: string): string {
  const where = rule < 0 ? "retryOn" : "rules[" + rule.toString() + "].retryOn";
  return (
    'field "' + where + '" has the condition "' + condition + '", but field "' + field + '" is empty; name them there'
  );
}

function item(field: string, index: i32, value: string): string {
  return 'field "' + field + "[" + index.toString() + ']" is ' + value + "; it ";
}

function methodsFault(methods: string[]): string | null {
  for (let i = 0; i < methods.length; i++) {
    const method = methods[i];
    if (!isToken(method) || method.toUpperCase() != method) {
      return item("methods", i, '"' + method + '"') + 'must be a method in capital letters, such as "POST"';
    }
  }
  return null;
}

/* Letters, digits, hyphens and underscores: enough for the names of methods and headers that there are. */
function isToken(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const letter = code | 32;
    if ((letter < 97 || letter > 122) && (code < 48 || code > 57) && code != 45 && code != 95) return false;
  }
  return text.length > 0 && text.length <= 128;
}
