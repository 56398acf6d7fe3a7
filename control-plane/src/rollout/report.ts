import type { ServedPlugin } from "../model/module-state.js";
import { BUCKETS, hasCandidate, type RolloutPlan, type RolloutReport } from "../model/rollout.js";
import { type Run, type Track, trackedState } from "./adopt.js";
import { beginProgress, type ObservedProxy, type RolloutProgress } from "./progress.js";

/** Where a rollout stands. */
export function reportOf(
  pluginKey: string,
  track: Track,
  run: Run,
  { plan, proxies }: { readonly plan: RolloutPlan; readonly proxies: readonly ObservedProxy[] },
): RolloutReport {
  const { candidate, progress } = run;
  const state = trackedState(track);
  const running = proxies.filter(({ acked }) => acked).map(({ key }) => hasCandidate(state, pluginKey, key));
  return {
    state: progress.paused ? "Paused" : "Progressing",
    ...placeOf(progress, plan),
    message: progress.message,
    version: candidate.version,
    digest: candidate.digest,
    proxies: {
      candidate: running.filter((has) => has).length,
      stable: running.filter((has) => !has).length,
    },
    candidate,
  };
}

/** How a rollout ended. */
export function outcomeOf(
  state: "Completed" | "RolledBack" | "Aborted",
  { version, digest }: ServedPlugin,
  { message, ...place }: Pick<RolloutReport, "phase" | "step" | "steps" | "weight" | "limit" | "since" | "message">,
): RolloutReport {
  return { state, ...place, message, version, digest };
}

/** The steps are not for a version that has none before it. */
export function firstVersion(served: ServedPlugin, plan: RolloutPlan, nowMs: number): RolloutReport {
  const place = placeOf({ ...beginProgress(nowMs), step: plan.steps.length, phase: "observing", limit: BUCKETS }, plan);
  const message = "the first version was in force everywhere at once; the steps are for those after it";
  return outcomeOf("Completed", served, { ...place, message });
}

export function placeOf(
  progress: RolloutProgress,
  plan: RolloutPlan,
): Pick<RolloutReport, "phase" | "step" | "steps" | "weight" | "limit" | "since"> {
  const index = Math.min(progress.step, plan.steps.length - 1);
  return {
    phase: progress.phase,
    step: index + 1,
    steps: plan.steps.length,
    weight: plan.steps[index]?.weight ?? 100,
    limit: progress.limit,
    since: new Date(progress.sinceMs).toISOString(),
  };
}

/**
 * A rollout as the last run of the control plane left it. Proxies stay where they are; what they counted until then is
 * not known any more, so the pause of the step begins anew.
 */
export function resumedRun(report: RolloutReport | undefined, nowMs: number): Run | undefined {
  if (report?.candidate === undefined) return undefined;
  const { candidate, step, phase, limit, state } = report;
  return {
    candidate,
    progress: {
      ...beginProgress(nowMs),
      step: step - 1,
      phase,
      limit,
      paused: state === "Paused",
      message: "the control plane was started anew; waiting for the proxies of the step",
    },
  };
}
