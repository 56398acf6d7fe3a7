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
const COUNTERS = ["requests", "errors", "vmFailures", "pluginFailures"] as const;

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

  const past = before(stepKeys, baselines);
  const of = (failures: (counted: HealthCounters) => number): Counted => ({
    failures: failures(candidate),
    usual: usual(candidate, stable, past, failures),
  });
  const requests = `${candidate.requests} requests`;
  return worst([
    against(
      maxFailures,
      candidate.requests,
      of(({ errors }) => errors),
      ({ failures, usual }) =>
        `${failures} of ${requests} failed with 5xx on ${some(stepKeys)}, where ${percent(usual / Math.max(candidate.requests, 1))} usually do`,
    ),
    against(
      maxFailures,
      candidate.requests,
      of(({ pluginFailures }) => pluginFailures),
      ({ failures, usual }) =>
        `it counted ${failures} failures of its own in ${requests} on ${some(stepKeys)}, where ${rounded(usual)} are usual`,
    ),
  ]);
}

/** Failures of one kind, and how many of them there would be with the version in force. */
interface Counted {
  readonly failures: number;
  readonly usual: number;
}

function against(
  maxFailures: MaxFailures,
  requests: number,
  counted: Counted,
  describe: (counted: Counted) => string,
): Verdict {
  const excess = counted.failures - counted.usual;
  if (maxFailures.kind === "count") {
    if (excess <= maxFailures.count + ROUNDING) return { kind: "good" };
    return { kind: "bad", message: `${describe(counted)}; maxFailures is ${maxFailures.count}` };
  }
  if (excess <= requests * maxFailures.fraction + ROUNDING) return { kind: "good" };
  if (excess < MIN_FAILURES - ROUNDING) return { kind: "doubtful", message: describe(counted) };
  return { kind: "bad", message: `${describe(counted)}; maxFailures is ${percent(maxFailures.fraction)}` };
}

const ORDER: readonly Verdict["kind"][] = ["bad", "doubtful", "good"];

/** The first of the worst. */
function worst(verdicts: readonly Verdict[]): Verdict {
  const kinds = verdicts.map(({ kind }) => kind);
  const kind = ORDER.find((candidate) => kinds.includes(candidate));
  return verdicts.find((verdict) => verdict.kind === kind) ?? { kind: "good" };
}

/** What the proxies counted since their baselines. */
function since(
  keys: readonly string[],
  baselines: ReadonlyMap<string, HealthCounters>,
  latest: ReadonlyMap<string, HealthCounters>,
): Sums {
  const sums = { proxies: 0, vmFailures: 0, requests: 0, errors: 0, pluginFailures: 0 };
  for (const key of keys) {
    const base = baselines.get(key);
    const now = latest.get(key);
    if (base === undefined || now === undefined) continue;
    // An Envoy that was started anew counts from zero.
    const zero = COUNTERS.some((name) => now[name] < base[name]);
    sums.proxies++;
    for (const name of COUNTERS) sums[name] += now[name] - (zero ? 0 : base[name]);
  }
  return sums;
}

/** What the proxies had counted before the step. */
function before(keys: readonly string[], baselines: ReadonlyMap<string, HealthCounters>): HealthCounters {
  const sums = { vmFailures: 0, requests: 0, errors: 0, pluginFailures: 0 };
  for (const key of keys) for (const name of COUNTERS) sums[name] += baselines.get(key)?.[name] ?? 0;
  return sums;
}

/**
 * How many failures the step's proxies would have had with the version in force: as the control group by requests, else
 * as before the step. Where one of the groups has no requests, what fails all the same is shared out by proxies.
 */
function usual(
  candidate: Sums,
  stable: Sums,
  past: HealthCounters,
  failures: (counted: HealthCounters) => number,
): number {
  const withPast = stable.requests < ENOUGH_REQUESTS;
  const requests = stable.requests + (withPast ? past.requests : 0);
  const rate = requests === 0 ? 0 : (failures(stable) + (withPast ? failures(past) : 0)) / requests;
  const isByProxy = stable.proxies > 0 && (stable.requests === 0 || candidate.requests === 0);
  const share = isByProxy ? (failures(stable) * candidate.proxies) / stable.proxies : 0;
  return Math.max(candidate.requests * rate, share);
}

function rounded(count: number): number {
  return Math.round(count * 10) / 10;
}

function percent(fraction: number): string {
  return `${rounded(fraction * 100)}%`;
}

/** Names a few of many. */
export function some(keys: readonly string[]): string {
  const named = keys.slice(0, 3).join(", ");
  return keys.length > 3 ? `${named} and ${keys.length - 3} more` : named;
}
