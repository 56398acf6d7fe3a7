import { type Diagnostic, formatDiagnostic } from "../model/diagnostic.js";
import { acceptedCondition, type Condition, dateConditions } from "./condition.js";

/** The status of an object that is not a plugin: whether it is in force, and if not, why. */
export interface ObjectStatus {
  readonly conditions: readonly Condition[];
  readonly diagnostics?: readonly string[];
}

export function objectStatus(
  problems: readonly Diagnostic[],
  previous: readonly Condition[],
  generation: string,
  now: string,
): ObjectStatus {
  return {
    conditions: dateConditions(previous, [acceptedCondition(problems, generation)], now),
    ...(problems.length === 0 ? {} : { diagnostics: problems.map(formatDiagnostic) }),
  };
}
