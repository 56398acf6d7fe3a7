import { Action, config, HttpContext, max, min, register } from "@weft/sdk";
import { inShare } from "./choice";

@config
class Config {
  /** Requests with this header and value go to the subset. An empty name switches the rule off. */
  header: string = "x-canary";
  /** The header's value, compared exactly. */
  value: string = "always";
  /** Subset of the destination host, as a DestinationRule names it. */
  @min(1) subset: string = "v2";
  /** Share of the keys whose requests go to the subset, in percent, in steps of 0.01. */
  @min(0) @max(100) percentage: f64 = 0;
  /** Header whose value is the key. A request without it is no part of the share. */
  @min(1) keyHeader: string = "x-user-id";
}

class Canary extends HttpContext<Config> {
  onRequestHeaders(endOfStream: bool): Action {
    const config = this.config;
    if (this.hasHeader(config) || this.hasKey(config)) this.route.subset = config.subset;
    return Action.Continue;
  }

  private hasHeader(config: Config): bool {
    return config.header != "" && this.request.headers.get(config.header) == config.value;
  }

  private hasKey(config: Config): bool {
    if (config.percentage <= 0) return false;
    const key = this.request.headers.get(config.keyHeader);
    return key !== null && inShare(key, config.percentage);
  }
}

register<Canary, Config>("canary");
