import type { RolloutReport } from "../model/rollout.js";
import type { Run, Track } from "./adopt.js";
import { resumedRun } from "./report.js";

/** What a replica that does not lead makes of where the leader says that a rollout stands. */
export type Following =
  | { readonly kind: "unchanged" }
  /** The proxies of this replica get the version as far as those of the leader. */
  | { readonly kind: "moved"; readonly run: Run }
  /** The version that was on its way is in force. */
  | { readonly kind: "completed"; readonly track: Track }
  /** The version must never be tried again. */
  | { readonly kind: "refused"; readonly version: string; readonly message: string };

const UNCHANGED: Following = { kind: "unchanged" };

/**
 * @param report of the leader; its candidate may be without bytes
 * @param nowMs for the time that a step has lasted, should this replica come to lead
 */
export function follow(track: Track, report: RolloutReport | undefined, nowMs: number): Following {
  const { run, stable } = track;
  if (report === undefined) return UNCHANGED;
  if (report.state === "RolledBack" || report.state === "Aborted") {
    const isHere = run?.candidate.version === report.version || stable?.version === report.version;
    return isHere ? { kind: "refused", version: report.version, message: report.message } : UNCHANGED;
  }
  if (report.state === "Completed") {
    if (run?.candidate.version !== report.version) return UNCHANGED;
    const { run: _, ...rest } = track;
    return { kind: "completed", track: { ...rest, stable: run.candidate } };
  }
  const resumed = resumedRun(report, nowMs);
  if (resumed === undefined || stable === undefined || stable.version === report.version) return UNCHANGED;
  if (run === undefined) return { kind: "moved", run: { ...resumed, progress: told(resumed.progress, report) } };
  // One of us knows of a newer version: what each has stays, until both know the same.
  if (run.candidate.version !== report.version) return UNCHANGED;
  const { step, phase, limit, paused } = resumed.progress;
  const before = run.progress;
  const isSame = before.step === step && before.phase === phase && before.limit === limit && before.paused === paused;
  if (isSame) return UNCHANGED;
  return { kind: "moved", run: { candidate: run.candidate, progress: told(resumed.progress, report) } };
}

function told(progress: Run["progress"], { message }: RolloutReport): Run["progress"] {
  return { ...progress, message };
}
