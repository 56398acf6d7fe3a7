import type { ObjectRef } from "../model/object-ref.js";
import { isRecord, type StatusDocument, storedConditions } from "./document.js";
import type { NewEvent } from "./event-log.js";

/** What of a plugin's status its events come from. */
interface View {
  /** Of the image that is wanted. */
  readonly digest: string;
  /** Of the version in force. */
  readonly inForce: string;
  readonly conditions: ReadonlyMap<
    string,
    { readonly status: string; readonly reason: string; readonly message: string }
  >;
  readonly rollout?: {
    readonly state: string;
    readonly place: string;
    readonly version: string;
    readonly phase: string;
    readonly message: string;
  };
}

/** Statuses may be of this run or, as they stand in a file, of the last one. */
type Status = StatusDocument["status"] | Readonly<Record<string, unknown>>;

/** The steps that a version passes on its way, with what is said when it has and when it has not. */
const STAGES = [
  ["Resolved", "Pulled", "PullFailed"],
  ["Verified", "Verified", "Refused"],
  ["Validated", "Validated", "Refused"],
] as const;

/**
 * What happened to a plugin between two of its statuses. It comes from the statuses alone, so a restarted control plane
 * says nothing twice, and says what happened at its end.
 */
export function pluginEvents(regarding: ObjectRef, before: Status | undefined, after: Status): readonly NewEvent[] {
  const then = viewOf(before ?? {});
  const now = viewOf(after);
  return [...stageEvents(then, now), ...rolloutEvents(then, now), ...proxyEvents(then, now)].map((event) => ({
    regarding,
    ...event,
  }));
}

type Told = Omit<NewEvent, "regarding">;

function stageEvents(then: View, now: View): readonly Told[] {
  return STAGES.flatMap(([type, passed, failed]): readonly Told[] => {
    const condition = now.conditions.get(type);
    const known = then.conditions.get(type);
    if (condition === undefined || condition.status === "Unknown") return [];
    const isNewImage = now.digest !== then.digest;
    if (condition.status === "True") {
      if (now.digest === "" || (known?.status === "True" && !isNewImage)) return [];
      return [{ type: "Normal", reason: passed, message: withDetail(now.digest, condition.message) }];
    }
    const message = `${condition.reason}: ${condition.message}`;
    if (known?.status === "False" && message === `${known.reason}: ${known.message}` && !isNewImage) return [];
    return [{ type: "Warning", reason: failed, message }];
  });
}

function rolloutEvents({ rollout: then }: View, { rollout: now }: View): readonly Told[] {
  if (now === undefined) return [];
  const { state, place, version, phase, message } = now;
  if (state === "RolledBack" || state === "Aborted") {
    if (then?.state === state && then.version === version) return [];
    return [{ type: "Warning", reason: state, message }];
  }
  if (state === "Completed") {
    if (then === undefined || (then.state === state && then.version === version)) return [];
    return [{ type: "Normal", reason: "RolloutCompleted", message }];
  }
  const isSameStep = then?.version === version && then.place === place && then.phase === phase;
  return phase !== "observing" || isSameStep ? [] : [{ type: "Normal", reason: "RolloutStep", message: place }];
}

function proxyEvents(then: View, now: View): readonly Told[] {
  const events: Told[] = [];
  const programmed = now.conditions.get("Programmed");
  const isSame = then.conditions.get("Programmed")?.status === "True" && then.inForce === now.inForce;
  if (programmed?.status === "True" && !isSame)
    events.push({ type: "Normal", reason: "Programmed", message: withDetail(now.inForce, programmed.message) });
  const degraded = now.conditions.get("Degraded");
  const known = then.conditions.get("Degraded");
  // A version that went back has told so already.
  const isTold = degraded?.reason === "RolledBack" || degraded?.reason === "Aborted";
  if (degraded?.status === "True" && !isTold && known?.message !== degraded.message)
    events.push({ type: "Warning", reason: "Degraded", message: `${degraded.reason}: ${degraded.message}` });
  return events;
}

function withDetail(digest: string, detail: string): string {
  return [digest, detail].filter((part) => part !== "").join("; ");
}

function viewOf(status: Status): View {
  const { digest, lastGood, rollout } = status as Readonly<Record<string, unknown>>;
  const conditions = storedConditions({ object: NOBODY, status: { ...status } });
  return {
    digest: textOf(digest),
    inForce: isRecord(lastGood) ? textOf(lastGood.digest) : "",
    conditions: new Map(
      conditions.map(({ type, status: value, reason, message }) => [
        type,
        // The time of the next attempt is another after each; it would make one event of many.
        { status: value, reason: textOf(reason), message: textOf(message).replace(/; next attempt at \S+$/, "") },
      ]),
    ),
    ...(isRecord(rollout) ? { rollout: rolloutView(rollout) } : {}),
  };
}

const NOBODY: ObjectRef = { kind: "", namespace: "", name: "" };

function rolloutView({
  state,
  step,
  steps,
  weight,
  version,
  digest,
  phase,
  message,
}: Readonly<Record<string, unknown>>) {
  const place = `${textOf(digest)} step ${String(step)} of ${String(steps)} (weight ${String(weight)})`;
  return { state: textOf(state), place, version: textOf(version), phase: textOf(phase), message: textOf(message) };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
