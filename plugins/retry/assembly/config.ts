import { config, max, min } from "@weft/sdk";

/** How many retries there may be. */
@config
export class BudgetConfig {
  /** Tokens that each request earns; a retry costs one. 0.2: one retry for five requests. */
  @min(0) @max(100) tokensPerRequest: f64 = 0.2;
  /** Tokens at the start. */
  @max(1000000) minimum: u32 = 10;
  /** Tokens that can be saved up; at least `minimum`. */
  @max(1000000) maximum: u32 = 100;
}

@config
export class Config {
  /** Envoy's conditions for a retry, in its x-envoy-retry-on syntax. */
  @min(1) retryOn: string = "5xx,reset,connect-failure";
  /** Further status codes that are retried. */
  @max(32) statusCodes: u32[] = [];
  /** Retries of one request; the first try is not one. */
  @min(1) @max(10) maxRetries: u32 = 3;
  /** Methods that may be sent again. The default are the idempotent ones of RFC 9110. */
  methods: string[] = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"];
  /** Limit of each try, in milliseconds; 0: none but the route's. */
  perTryTimeoutMs: u32 = 0;
  budget: BudgetConfig = new BudgetConfig();

  validate(): string | null {
    for (let i = 0; i < this.statusCodes.length; i++) {
      const code = this.statusCodes[i];
      if (code < 100 || code > 599) {
        return (
          'field "statusCodes[' + i.toString() + ']" is ' + code.toString() + "; it must be a status from 100 to 599"
        );
      }
    }
    return null;
  }
}
