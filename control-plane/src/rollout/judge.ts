import type { MaxFailures } from "../model/rollout.js";
import type { Groups } from "./groups.js";
import type { HealthCounters, RolloutProgress } from "./progress.js";

export type Verdict =
  | { readonly kind: "good" }
  /** Worse than allowed, but of too few requests to be sure. */
  | { readonly kind: "doubtful"; readonly message: string }
  | { readonly kind: "bad"; readonly message: string };

interface Sums extends HealthCounters {
  readonly proxies: number;
}

/** Fewer failures than this are no proof that a percentage is exceeded. */
const MIN_FAILURES = 3;
/** From so many requests on, the control group alone says which part of them fails anyway. */
const ENOUGH_REQUESTS = 20;
const ROUNDING = 1e-9;

/** Compares the proxies that have the new version with as many that have the old one, since the step began. */
export function judge(
  maxFailures: MaxFailures,
  { step, control }: Groups,
  { baselines, latest }: Pick<RolloutProgress, "baselines" | "latest">,
): Verdict {
  const keysOf = (group: Groups["step"]) => group.map(({ key }) => key).filter((key) => baselines.has(key));
  const stepKeys = keysOf(step);
  const controlKeys = keysOf(control);
  const candidate = since(stepKeys, baselines, latest);
  const stable = since(controlKeys, baselines, latest);

  const equalFailures = stable.proxies === 0 ? 0 : (stable.vmFailures * candidate.proxies) / stable.proxies;
  if (candidate.vmFailures > equalFailures + ROUNDING) {
    const broken = stepKeys.filter((key) => since([key], baselines, latest).vmFailures > 0);
    return {
      kind: "bad",
      message: `its VM broke or was reloaded ${candidate.vmFailures} times on ${some(broken)}; with the version in force ${stable.vmFailures} times on ${stable.proxies} proxies`,
    };
  }

  const rate = usualRate(stable, before(stepKeys, baselines));
  const excess = candidate.errors - candidate.requests * rate;
  const message = `${candidate.errors} of ${candidate.requests} requests failed with 5xx on ${some(stepKeys)}, where ${percent(rate)} usually do`;
  if (maxFailures.kind === "count") {
    if (excess <= maxFailures.count + ROUNDING) return { kind: "good" };
    return { kind: "bad", message: `${message}; maxFailures is ${maxFailures.count}` };
  }
  if (excess <= candidate.requests * maxFailures.fraction + ROUNDING) return { kind: "good" };
  if (excess < MIN_FAILURES - ROUNDING) return { kind: "doubtful", message };
  return { kind: "bad", message: `${message}; maxFailures is ${percent(maxFailures.fraction)}` };
}

/** What the proxies counted since their baselines. */
function since(
  keys: readonly string[],
  baselines: ReadonlyMap<string, HealthCounters>,
  latest: ReadonlyMap<string, HealthCounters>,
): Sums {
  const sums = { proxies: 0, vmFailures: 0, requests: 0, errors: 0 };
  for (const key of keys) {
    const base = baselines.get(key);
    const now = latest.get(key);
    if (base === undefined || now === undefined) continue;
    // An Envoy that was started anew counts from zero.
    const zero = now.requests < base.requests || now.vmFailures < base.vmFailures || now.errors < base.errors;
    sums.proxies++;
    sums.vmFailures += now.vmFailures - (zero ? 0 : base.vmFailures);
    sums.requests += now.requests - (zero ? 0 : base.requests);
    sums.errors += now.errors - (zero ? 0 : base.errors);
  }
  return sums;
}

/** What the proxies had counted before the step. */
function before(keys: readonly string[], baselines: ReadonlyMap<string, HealthCounters>): HealthCounters {
  const sums = { vmFailures: 0, requests: 0, errors: 0 };
  for (const key of keys) {
    sums.requests += baselines.get(key)?.requests ?? 0;
    sums.errors += baselines.get(key)?.errors ?? 0;
  }
  return sums;
}

/** Which part of the requests fails whatever the version: by the control group, else by what was before the step. */
function usualRate(stable: HealthCounters, past: HealthCounters): number {
  const withPast = stable.requests < ENOUGH_REQUESTS;
  const requests = stable.requests + (withPast ? past.requests : 0);
  return requests === 0 ? 0 : (stable.errors + (withPast ? past.errors : 0)) / requests;
}

function percent(fraction: number): string {
  return `${Math.round(fraction * 1000) / 10}%`;
}

/** Names a few of many. */
export function some(keys: readonly string[]): string {
  const named = keys.slice(0, 3).join(", ");
  return keys.length > 3 ? `${named} and ${keys.length - 3} more` : named;
}
