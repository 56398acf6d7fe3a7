import type { RolloutPlan } from "../model/rollout.js";
import { type Groups, groupsAt, limitFor } from "./groups.js";
import { judge, some } from "./judge.js";
import type { HealthCounters, ObservedProxy, RolloutProgress } from "./progress.js";

/** What has to be done because of a step. */
export type Effect =
  /** The proxies below the progress's limit get the new version. */
  | { readonly kind: "serve" }
  /** The new version is the one in force from now on, everywhere. */
  | { readonly kind: "complete" }
  /** All go back to the version in force, and the new one is never tried again. */
  | { readonly kind: "roll-back"; readonly message: string };

export interface Stepped {
  readonly progress: RolloutProgress;
  readonly effects: readonly Effect[];
}

/** So long a proxy may be away, for example while it is started anew, before its step looks for another. */
const RETURN_MS = 60_000;

/**
 * One look at a rollout: it goes on when all proxies of its step acknowledged the new version, ran it well for the
 * step's pause, and told how they are; and it goes back at once when one refuses the version or is worse off with it.
 *
 * @param proxies all connected proxies that should run the plugin
 * @param hold why it must not go on now; it may still go back
 */
export function step(
  plan: RolloutPlan,
  given: RolloutProgress,
  proxies: readonly ObservedProxy[],
  nowMs: number,
  hold?: string,
): Stepped {
  const index = Math.min(given.step, plan.steps.length - 1);
  const { weight = 100, pauseMs = 0 } = plan.steps[index] ?? {};
  const before = withReadings({ ...given, step: index }, proxies);
  const stay = (message: string, change: Partial<RolloutProgress> = {}): Stepped => ({
    progress: { ...before, ...change, message },
    effects: [],
  });
  const rollBack = (why: string): Stepped => {
    const message = `rolled back at step ${index + 1} of ${plan.steps.length} (weight ${weight}): ${why}`;
    return { progress: { ...before, message }, effects: [{ kind: "roll-back", message }] };
  };

  const running = groupsAt(before.limit, proxies);
  const refusing = running.step.find(({ refusal }) => refusal !== undefined);
  if (refusing !== undefined) return rollBack(`${refusing.key} refused it: ${refusing.refusal}`);
  const verdict = judge(plan.maxFailures, running, before);
  if (verdict.kind === "bad") return rollBack(verdict.message);

  const settled = before.phase === "observing" && running.step.length > 0 && running.step.every(({ acked }) => acked);
  const settledMs = settled ? (before.settledMs ?? nowMs) : undefined;
  const observed = { ...before, settledMs };
  if (before.paused) return stay("paused by hand; weft rollout resume goes on", observed);
  if (hold !== undefined) return stay(hold, observed);
  if (before.phase === "preparing") return prepare(before, { weight, proxies, nowMs, stay });

  if (running.step.length === 0) {
    const isLost = proxies.length > 0 && nowMs - before.sinceMs >= Math.max(pauseMs, RETURN_MS);
    if (!isLost) return stay("no proxy of the step is connected; it waits for one", observed);
    const again = { phase: "preparing", sinceMs: nowMs } as const;
    return stay("no proxy of the step is left; the step is given to others", { ...observed, ...again });
  }
  if (settledMs === undefined) {
    const waiting = running.step.filter(({ acked }) => !acked).map(({ key }) => key);
    return stay(
      `${running.step.length - waiting.length} of ${running.step.length} proxies of the step run it; waiting for ${some(waiting)}`,
      observed,
    );
  }
  const unread = unreadMessage(running.step);
  if (unread !== undefined) return stay(unread, observed);
  if (verdict.kind === "doubtful") return stay(`${verdict.message}; waiting for more requests`, observed);
  const endMs = settledMs + pauseMs;
  if (nowMs < endMs) return stay(`well so far; the pause of this step ends at ${timeText(endMs)}`, observed);
  if (index === plan.steps.length - 1)
    return { progress: { ...observed, message: "all proxies have it" }, effects: [{ kind: "complete" }] };
  const message = "the health of the proxies is read before the next step";
  const next = { step: index + 1, phase: "preparing", sinceMs: nowMs, settledMs: undefined } as const;
  return { progress: { ...before, ...next, message }, effects: [] };
}

/** Gives the new version to the step's proxies once it is known how they were before. */
function prepare(
  before: RolloutProgress,
  {
    weight,
    proxies,
    nowMs,
    stay,
  }: {
    readonly weight: number;
    readonly proxies: readonly ObservedProxy[];
    readonly nowMs: number;
    readonly stay: (message: string) => Stepped;
  },
): Stepped {
  const { limit, ...groups } = targetOf(before, weight, proxies);
  if (groups.step.length === 0) return stay("no connected proxy should run this plugin; the step waits for one");
  const unread = unreadMessage(groups.step);
  if (unread !== undefined) return stay(unread);
  const baselines = new Map<string, HealthCounters>();
  for (const { key, reading } of [...groups.step, ...groups.control])
    if (reading?.ok) baselines.set(key, reading.counters);
  const message = `0 of ${groups.step.length} proxies of the step run it`;
  const begun = { phase: "observing", limit, sinceMs: nowMs, settledMs: undefined } as const;
  return { progress: { ...before, ...begun, baselines, latest: baselines, message }, effects: [{ kind: "serve" }] };
}

function targetOf(
  progress: RolloutProgress,
  weight: number,
  proxies: readonly ObservedProxy[],
): Groups & { readonly limit: number } {
  const buckets = proxies.map(({ bucket }) => bucket);
  const limit = limitFor(weight, progress.limit, buckets);
  return { limit, ...groupsAt(limit, proxies) };
}

/** The proxies whose health has to be read for the next look: those of the step, and as many to compare with. */
export function proxiesToRead(
  plan: RolloutPlan,
  progress: RolloutProgress,
  proxies: readonly ObservedProxy[],
): readonly string[] {
  const weight = plan.steps[Math.min(progress.step, plan.steps.length - 1)]?.weight ?? 100;
  const groups =
    progress.phase === "preparing" ? targetOf(progress, weight, proxies) : groupsAt(progress.limit, proxies);
  return [...groups.step, ...groups.control].map(({ key }) => key);
}

/** Takes what was read. A proxy that is seen for the first time in a step is measured from there on. */
function withReadings(progress: RolloutProgress, proxies: readonly ObservedProxy[]): RolloutProgress {
  const baselines = new Map(progress.baselines);
  const latest = new Map(progress.latest);
  for (const { key, reading } of proxies) {
    if (!reading?.ok) continue;
    latest.set(key, reading.counters);
    if (progress.phase === "observing" && !baselines.has(key)) baselines.set(key, reading.counters);
  }
  return { ...progress, baselines, latest };
}

function unreadMessage(group: readonly ObservedProxy[]): string | undefined {
  const unread = group.filter(({ reading }) => !reading?.ok);
  const [first] = unread;
  if (first === undefined) return undefined;
  const why = first.reading?.ok === false ? first.reading.message : "it was not asked yet";
  return `the health of ${unread.length} of ${group.length} proxies of the step cannot be read: ${first.key}: ${why}`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
