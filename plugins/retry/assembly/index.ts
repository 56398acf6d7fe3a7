import { Action, Counter, HttpContext, properties, RootContext, registerRoot } from "@weft/sdk";
import { Budget } from "./budget";
import { Config } from "./config";

const retries = new Counter("weft_retry_retries_total");
const exhausted = new Counter("weft_retry_budget_exhausted_total");

class Retries extends RootContext<Config> {
  budget: Budget = new Budget(0, 0, 0);
  retryOn: string = "";
  statusCodes: string = "";

  onConfigure(): bool {
    const config = this.config;
    const budget = config.budget;
    this.budget = new Budget(budget.tokensPerRequest, budget.minimum, budget.maximum);
    this.statusCodes = config.statusCodes.join(",");
    this.retryOn = this.statusCodes == "" ? config.retryOn : config.retryOn + ",retriable-status-codes";
    return true;
  }
}

/** The router sends again; the plugin decides once, when it sets the router's headers. */
class Retry extends HttpContext<Config> {
  private reserved: u32 = 0;

  onRequestHeaders(endOfStream: bool): Action {
    const config = this.config;
    const root = this.root as Retries;
    const headers = this.request.headers;
    const method = headers.get(":method");
    if (method === null || !config.methods.includes(method)) return Action.Continue;
    this.reserved = root.budget.reserve(config.maxRetries);
    if (this.reserved == 0) {
      exhausted.increment();
      return Action.Continue;
    }
    headers.set("x-envoy-retry-on", root.retryOn);
    headers.set("x-envoy-max-retries", this.reserved.toString());
    if (root.statusCodes != "") headers.set("x-envoy-retriable-status-codes", root.statusCodes);
    if (config.perTryTimeoutMs > 0) {
      headers.set("x-envoy-upstream-rq-per-try-timeout-ms", config.perTryTimeoutMs.toString());
    }
    return Action.Continue;
  }

  onLog(): void {
    if (this.reserved == 0) return;
    const attempts = properties.integer("upstream.request_attempt_count", 1);
    const used = <u32>min(max(attempts - 1, 0), <i64>this.reserved);
    retries.increment(used);
    (this.root as Retries).budget.giveBack(this.reserved - used);
  }
}

registerRoot<Retry, Retries>("retry");
