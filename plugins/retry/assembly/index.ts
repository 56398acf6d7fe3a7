import { Action, Headers, HttpContext, properties, RootContext, registerRoot } from "@weft/sdk";
import { Terms } from "./account";
import { Budget } from "./budget";
import { Config, Otherwise } from "./config";
import { budgetExhausted, exhausted, notIdempotent, off, retries, stopped, succeeded } from "./counters";
import { Reason, reasonName, reasonOf } from "./outcome";
import { isGrpc, Policies, Policy, unprocessed, Verdict } from "./policy";

const TICK_MS = 1000;

class Retries extends RootContext<Config> {
  policies: Policies = new Policies(new Config());
  budget: Budget = new Budget(new Terms(0, 0, 0, 0));
  statusCodes: string = "";
  retriableHeaders: string = "";

  onConfigure(): bool {
    const config = this.config;
    const budget = config.budget;
    this.policies = new Policies(config);
    this.budget = new Budget(
      new Terms(budget.tokensPerRequest, budget.tokensPerSecond, budget.minimum, budget.maximum),
    );
    this.statusCodes = config.statusCodes.join(",");
    this.retriableHeaders = config.retriableHeaders.join(",");
    this.tickPeriodMs = TICK_MS;
    return true;
  }

  onTick(): void {
    this.budget.rest();
  }

  /* Another configuration has taken over, or Envoy ends. */
  onDelete(): void {
    this.budget.close();
  }
}

/** The router sends again; the plugin decides once, when it sets the router's headers. */
class Retry extends HttpContext<Config> {
  private granted: u32 = 0;
  private grpc: bool = false;

  onRequestHeaders(endOfStream: bool): Action {
    const root = this.root as Retries;
    const headers = this.request.headers;
    const method = headers.get(":method");
    if (method === null) return Action.Continue;
    const policies = root.policies;
    const rule = policies.hasRules ? policies.ruleFor(method, pathOf(headers)) : -1;
    const verdict = policies.verdict(rule, policies.isIdempotent(rule, method) || this.hasKey(headers));
    if (verdict == Verdict.Off) {
      off.increment();
      return this.leave(headers);
    }
    if (verdict == Verdict.NotIdempotent) {
      notIdempotent.increment();
      return this.leave(headers);
    }
    const own = policies.policy(rule);
    const granted = root.budget.lend(own.maxRetries);
    if (granted == 0) {
      budgetExhausted.increment();
      return this.leave(headers);
    }
    this.granted = granted;
    this.grpc = method == "POST" && isGrpc(headers.get("content-type"));
    this.allow(headers, verdict == Verdict.Unprocessed ? unprocessed(own) : own);
    return Action.Continue;
  }

  private hasKey(headers: Headers): bool {
    const name = this.config.idempotencyHeader;
    if (name == "") return false;
    const key = headers.get(name);
    return key !== null && key != "";
  }

  private allow(headers: Headers, policy: Policy): void {
    const root = this.root as Retries;
    headers.set("x-envoy-retry-on", policy.retryOn);
    headers.set("x-envoy-max-retries", this.granted.toString());
    // Also an empty one, in the place of the route's.
    if (this.grpc) headers.set("x-envoy-retry-grpc-on", policy.grpcRetryOn);
    if (root.statusCodes != "") headers.set("x-envoy-retriable-status-codes", root.statusCodes);
    if (root.retriableHeaders != "") headers.set("x-envoy-retriable-header-names", root.retriableHeaders);
    if (policy.perTryTimeout != "") headers.set("x-envoy-upstream-rq-per-try-timeout-ms", policy.perTryTimeout);
  }

  private leave(headers: Headers): Action {
    if (this.config.otherwise == Otherwise.none) headers.set("x-envoy-max-retries", "0");
    return Action.Continue;
  }

  onLog(): void {
    const granted = this.granted;
    if (granted == 0) return;
    this.granted = 0;
    // Missing or 0 where the request never came to the router.
    const attempts = properties.integer("upstream.request_attempt_count");
    const made = attempts > 1 ? <u32>min(attempts - 1, <i64>u32.MAX_VALUE) : 0;
    (this.root as Retries).budget.takeBack(granted, min(made, granted));
    if (made > 0) this.count(made, made >= granted);
  }

  private count(made: u32, all: bool): void {
    retries.increment(made);
    const details = properties.string("response.code_details");
    const reason = reasonOf(
      properties.integer("response.flags"),
      details === null ? "" : details,
      properties.integer("response.code"),
      this.grpc ? properties.integer("response.grpc_status") : 0,
      this.config.statusCodes,
    );
    if (reason == Reason.None) succeeded.increment();
    else (all ? exhausted : stopped).with([reasonName(reason)]).increment();
  }
}

function pathOf(headers: Headers): string {
  const path = headers.get(":path");
  return path === null ? "" : path;
}

registerRoot<Retry, Retries>("retry");
