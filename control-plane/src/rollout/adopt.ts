import { type ModuleState, type ServedPlugin, servedPlugin } from "../model/module-state.js";
import type { RolloutPlan } from "../model/rollout.js";
import { beginProgress, type RolloutProgress } from "./progress.js";

/** A version on its way, and how far it has come. */
export interface Run {
  readonly candidate: ServedPlugin;
  readonly progress: RolloutProgress;
}

/** One plugin between the proof of its versions and the proxies. */
export interface Track {
  /** What is known of the module: which versions are proven. */
  readonly proven: ModuleState;
  /** The version in force. */
  readonly stable?: ServedPlugin;
  readonly run?: Run;
}

export interface AdoptOptions {
  /** Absent: a proven version is in force at once. */
  readonly plan: RolloutPlan | undefined;
  /** Whether a version was refused or rolled back. */
  readonly isRejected: (version: string) => boolean;
  readonly nowMs: number;
}

/**
 * Takes what is newly known of a plugin's module. A proven version other than the one in force is on its way from now
 * on; without a plan, or where none was in force, it is in force at once. Nothing but another proven version ends a
 * rollout here: while one is looked for, proxies stay where they are.
 */
export function adopt(track: Track | undefined, proven: ModuleState, { plan, isRejected, nowMs }: AdoptOptions): Track {
  const before = track?.stable === undefined || isRejected(track.stable.version) ? undefined : track.stable;
  const run = track?.run;
  if (proven.kind !== "ready") {
    const found = servedPlugin(proven);
    const stable = before === undefined ? found : newer(before, found);
    if (stable === undefined) return { proven };
    if (run === undefined || run.candidate.version === stable.version) return { proven, stable };
    return { proven, stable, run: { ...run, candidate: newer(run.candidate, found) } };
  }
  const { served } = proven;
  if (before === undefined || before.version === served.version || plan === undefined)
    return { proven, stable: served };
  if (run?.candidate.version === served.version) return { proven, stable: before, run: { ...run, candidate: served } };
  return { proven, stable: before, run: { candidate: served, progress: beginProgress(nowMs) } };
}

/** The same version may come again with bytes, or bound to another image. */
function newer(known: ServedPlugin, found: ServedPlugin | undefined): ServedPlugin {
  if (found === undefined || found.version !== known.version) return known;
  return found.wasm === undefined && known.wasm !== undefined ? known : found;
}

/** Why a rollout must not go on now, although nothing is wrong with it. */
export function holdOf({ proven, run }: Track): string | undefined {
  if (run === undefined || proven.kind === "ready") return undefined;
  if (proven.kind === "pending") return "waiting until it is known which version is wanted now";
  const { failure } = proven;
  // A registry that is away for a while says nothing against a version that was got before.
  const isWanted = servedPlugin(proven)?.version === run.candidate.version && failure.nextAttempt !== undefined;
  return isWanted ? undefined : `what is wanted now is not usable (${failure.reason}); waiting for a version that is`;
}

/** What translation is told of the plugin. */
export function trackedState({ proven, stable, run }: Track): ModuleState {
  const rollout = run === undefined ? {} : { rollout: { candidate: run.candidate, limit: run.progress.limit } };
  if (proven.kind === "ready") return { ...proven, served: stable ?? proven.served, ...rollout };
  const { lastGood: _lastGood, ...rest } = proven;
  return { ...rest, ...(stable === undefined ? {} : { lastGood: stable }), ...rollout };
}
