import { objectKey } from "../model/object-ref.js";
import type { RolloutReport } from "../model/rollout.js";
import { isRecord, type StoredStatus } from "./document.js";
import type { RolloutStatus } from "./plugin-status.js";
import { lastGoodFrom } from "./remembered.js";

/** Reads out of the statuses of plugins where their rollouts stood, by plugin key. What is not whole is left out. */
export function rememberedRollouts(statuses: readonly StoredStatus[]): ReadonlyMap<string, RolloutReport> {
  const remembered = new Map<string, RolloutReport>();
  for (const { object, status } of statuses) {
    if (object.kind !== "WasmPlugin" || !isRolloutStatus(status.rollout)) continue;
    const { candidate: stored, ...report } = status.rollout;
    const candidate = lastGoodFrom(stored);
    // Without the version that was on its way nothing can be gone on with.
    if (candidate === undefined && (report.state === "Progressing" || report.state === "Paused")) continue;
    remembered.set(objectKey(object), { ...report, ...(candidate === undefined ? {} : { candidate }) });
  }
  return remembered;
}

const STATES: readonly RolloutReport["state"][] = ["Progressing", "Paused", "Completed", "RolledBack", "Aborted"];
const PHASES: readonly RolloutReport["phase"][] = ["preparing", "observing"];

/** A status file is also text that people can edit. */
function isRolloutStatus(value: unknown): value is RolloutStatus {
  if (!isRecord(value)) return false;
  const isWhole = (field: string, min: number, max: number) => {
    const number = value[field];
    return Number.isInteger(number) && (number as number) >= min && (number as number) <= max;
  };
  return (
    STATES.some((state) => state === value.state) &&
    PHASES.some((phase) => phase === value.phase) &&
    isWhole("step", 1, 1000) &&
    isWhole("steps", 1, 1000) &&
    isWhole("weight", 0, 100) &&
    isWhole("limit", 0, 100) &&
    ["since", "message", "version", "digest"].every((field) => typeof value[field] === "string")
  );
}
