import { Action, clock, config, HttpContext, LocalResponse, max, min, RootContext, registerRoot } from "@weft/sdk";
import { Decision } from "./bucket";
import { BucketTable } from "./table";

const SECOND: u64 = 1_000_000_000;

@config
class Config {
  /** Requests whose path begins with this are limited. */
  @min(1) pathPrefix: string = "/";
  /** Requests admitted per window. */
  @min(1) limit!: u32;
  /** Length of a window, in seconds. It begins with the first request. */
  @min(1) @max(86400) windowSeconds!: u32;
  /** Header whose value is the key: each key has a limit of its own. Requests without it share one. Empty: one limit. */
  keyHeader: string = "";
  /** Status of the answer to what is beyond the limit. */
  @min(400) @max(599) status: u32 = 429;
}

class Limiter extends RootContext<Config> {
  buckets: BucketTable = new BucketTable("", 1, 1);

  onConfigure(): bool {
    const config = this.config;
    this.buckets = new BucketTable("rate-limit" + config.pathPrefix, config.limit, SECOND * config.windowSeconds);
    return true;
  }
}

class RateLimit extends HttpContext<Config> {
  private decision: Decision | null = null;

  onRequestHeaders(endOfStream: bool): Action {
    const config = this.config;
    const headers = this.request.headers;
    const path = headers.get(":path");
    if (path === null || !path.startsWith(config.pathPrefix)) return Action.Continue;
    let key: string | null = null;
    if (config.keyHeader != "") key = headers.get(config.keyHeader);
    const decision = (this.root as Limiter).buckets.take(key === null ? "" : key, clock.monotonic);
    this.decision = decision;
    if (decision.admitted) return Action.Continue;
    const response = new LocalResponse(config.status);
    response.header("retry-after", seconds(decision.resetNs).toString());
    response.body = "rate limit exceeded\n";
    response.details = "weft_rate_limited";
    return response.send();
  }

  /* RateLimit header fields: draft-ietf-httpapi-ratelimit-headers-06. */
  onResponseHeaders(endOfStream: bool): Action {
    const decision = this.decision;
    if (decision === null) return Action.Continue;
    const config = this.config;
    const headers = this.response.headers;
    const limit = config.limit.toString();
    headers.set("ratelimit-limit", limit);
    headers.set("ratelimit-remaining", decision.remaining.toString());
    headers.set("ratelimit-reset", seconds(decision.resetNs).toString());
    headers.set("ratelimit-policy", limit + ";w=" + config.windowSeconds.toString());
    return Action.Continue;
  }
}

/* Rounded up: who waits that long is admitted. */
function seconds(nanoseconds: u64): u64 {
  return (nanoseconds + SECOND - 1) / SECOND;
}

registerRoot<RateLimit, Limiter>("rate-limit");
