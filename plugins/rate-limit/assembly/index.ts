import { Action, HttpContext, LocalResponse, properties, RootContext, registerRoot } from "@weft/sdk";
import { Config, FailureMode, GrpcStatus } from "./config";
import { Descriptor } from "./descriptor";
import { EnvoyRequest } from "./envoy-request";
import { Limiter, Verdict } from "./limiter";
import { addRateLimitHeaders } from "./response-headers";
import { RateLimitResponse } from "./service/rate-limit-response";
import { RateLimitService, ServiceHandler } from "./service/rate-limit-service";
import { serviceVerdict } from "./service/service-verdict";
import { Standings } from "./standing";

const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;

class RateLimitRoot extends RootContext<Config> {
  limiter: Limiter | null = null;
  /** Null where no limit is global. */
  service: RateLimitService | null = null;

  onConfigure(): bool {
    let scope = this.config.scope;
    if (scope == "") {
      const name = properties.string("plugin_name");
      if (name !== null) scope = name;
    }
    this.limiter = new Limiter(this.config, scope);
    this.service = this.config.isGlobal ? new RateLimitService(this.config) : null;
    return true;
  }
}

class RateLimit extends HttpContext<Config> {
  /* What the response will say. */
  private standings: Standings | null = null;

  /* What the service wants the client to be told: name, value, name, value. */
  private serviceHeaders: string[] | null = null;

  /* What a local limit refuses costs no call to the service. */
  onRequestHeaders(endOfStream: bool): Action {
    const root = this.root as RateLimitRoot;
    const limiter = root.limiter!;
    const request = new EnvoyRequest(this.request.headers);
    const local = limiter.decide(limiter.localDescriptors(request));
    const settled = this.settle(local);
    if (settled != Action.Continue) return settled;
    const service = root.service;
    if (service === null) return Action.Continue;
    const global = limiter.globalDescriptors(request);
    if (global.length == 0) return Action.Continue;
    if (service.ask(global, new OnService(this, global, local))) return Action.PauseAll;
    return this.decideWithoutService(global, local);
  }

  onResponseHeaders(endOfStream: bool): Action {
    const headers = this.response.headers;
    const told = this.serviceHeaders;
    if (told !== null) for (let i = 0; i < told.length; i += 2) headers.set(told[i], told[i + 1]);
    const standings = this.standings;
    if (standings !== null) addRateLimitHeaders(headers, standings, this.config.headers);
    return Action.Continue;
  }

  /** Continues, or answers what is refused. `local` has been charged already. */
  decideByService(answer: RateLimitResponse, global: Descriptor[], local: Verdict): Action {
    this.serviceHeaders = answer.headers;
    const limits = (this.root as RateLimitRoot).limiter!.limits;
    const verdict = serviceVerdict(answer, global, limits, this.config.dryRunHeaders);
    if (!verdict.admitted) local.giveBack();
    return this.settle(verdict);
  }

  decideWithoutService(global: Descriptor[], local: Verdict): Action {
    const limiter = (this.root as RateLimitRoot).limiter!;
    const mode = this.config.global.failureMode;
    if (mode == FailureMode.local) {
      const verdict = limiter.decide(global);
      if (!verdict.admitted) local.giveBack();
      return this.settle(verdict);
    }
    if (mode == FailureMode.open || limiter.areAllDry(global)) return Action.Continue;
    local.giveBack();
    const response = new LocalResponse(503);
    response.body = "rate limit service unavailable\n";
    response.details = "weft_rate_limit_service_unavailable";
    response.grpcStatus = UNAVAILABLE;
    return response.send();
  }

  /* Continues, or answers what is refused. */
  private settle(verdict: Verdict): Action {
    const standings = this.standings;
    if (standings === null) this.standings = verdict.standings;
    else standings.append(verdict.standings);
    return verdict.admitted ? Action.Continue : this.refuse(verdict.standings.retrySeconds);
  }

  private refuse(retrySeconds: u64): Action {
    const config = this.config;
    const response = new LocalResponse(config.status);
    response.header("retry-after", retrySeconds.toString());
    // Envoys on the way do not retry what has this header.
    response.header("x-envoy-ratelimited", "true");
    response.body = config.body;
    response.details = "weft_rate_limited";
    response.grpcStatus = config.grpcStatus == GrpcStatus.UNAVAILABLE ? UNAVAILABLE : RESOURCE_EXHAUSTED;
    return response.send();
  }
}

/* The request waits until one of the two is called. */
class OnService extends ServiceHandler {
  constructor(
    private readonly stream: RateLimit,
    private readonly global: Descriptor[],
    private readonly local: Verdict,
  ) {
    super();
  }

  onAnswer(answer: RateLimitResponse): void {
    this.go(this.stream.decideByService(answer, this.global, this.local));
  }

  onFailure(): void {
    this.go(this.stream.decideWithoutService(this.global, this.local));
  }

  private go(action: Action): void {
    if (action == Action.Continue) this.stream.request.resume();
  }
}

registerRoot<RateLimit, RateLimitRoot>("rate-limit");
