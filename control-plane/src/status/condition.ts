import { compareStrings } from "../model/compare.js";

/** https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.37/#condition-v1-meta */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: string;
  /** RFC 3339; when `status` last changed. */
  readonly lastTransitionTime: string;
}

/** A condition before it is known since when it holds. */
export type ConditionNow = Omit<Condition, "lastTransitionTime">;

/** Dates the conditions: one whose status did not change keeps its time. */
export function dateConditions(
  previous: readonly Condition[],
  now: readonly ConditionNow[],
  time: string,
): readonly Condition[] {
  return now.map((condition) => {
    const before = previous.find((p) => p.type === condition.type);
    const since = before?.status === condition.status ? before.lastTransitionTime : time;
    return { ...condition, lastTransitionTime: since };
  });
}

/** The condition `Accepted` of an object, from what is wrong with it. */
export function acceptedCondition(
  problems: readonly { readonly severity: "error" | "warning"; readonly reason: string; readonly message: string }[],
  generation: string,
): ConditionNow {
  const errors = problems.filter((problem) => problem.severity === "error");
  const [first] = errors.length > 0 ? errors : problems;
  const messages = [...new Set((errors.length > 0 ? errors : problems).map((p) => p.message))].sort(compareStrings);
  return {
    type: "Accepted",
    status: errors.length > 0 ? "False" : "True",
    reason: first?.reason ?? "Accepted",
    message: messages.join("; "),
    observedGeneration: generation,
  };
}
