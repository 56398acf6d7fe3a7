import type { Diagnostic } from "../model/diagnostic.js";
import type { ObjectRef } from "../model/object-ref.js";
import { formatPath, type Path } from "./path.js";

/** Where an object was found, for its diagnostics. */
export interface Origin {
  /** Relative to the folder that is watched. */
  readonly file?: string;
  /** The line of a field, or of the nearest thing around it that is there. Counted from one. */
  readonly lineOf?: (path: Path) => number | undefined;
}

/** Collects what is wrong with one object. */
export interface Problems {
  error(path: Path, reason: string, message: string, hint: string): void;
  warning(path: Path, reason: string, message: string, hint: string): void;
  readonly hasErrors: boolean;
  /** In the order in which they were found. */
  readonly list: readonly Diagnostic[];
}

/** More than this of one object are not listed: a broken object must not flood the log. */
const MAX_PROBLEMS = 100;

export function createProblems(object: ObjectRef | undefined, origin: Origin = {}): Problems {
  const list: Diagnostic[] = [];
  let hasErrors = false;
  function add(severity: Diagnostic["severity"], path: Path, reason: string, message: string, hint: string): void {
    hasErrors ||= severity === "error";
    if (list.length >= MAX_PROBLEMS) return;
    const line = origin.lineOf?.(path);
    list.push({
      severity,
      reason,
      message,
      hint,
      ...(object !== undefined && { object }),
      ...(path.length > 0 && { field: formatPath(path) }),
      ...(origin.file !== undefined && { file: origin.file }),
      ...(line !== undefined && { line }),
    });
  }
  return {
    error: (path, reason, message, hint) => add("error", path, reason, message, hint),
    warning: (path, reason, message, hint) => add("warning", path, reason, message, hint),
    get hasErrors() {
      return hasErrors;
    },
    list,
  };
}
