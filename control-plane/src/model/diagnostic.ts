import { formatObjectRef, type ObjectRef } from "./object-ref.js";

/** What a user did wrong, as a value. It never throws, and it always says what to do. */
export interface Diagnostic {
  /** An error keeps the object from being accepted; a warning does not. */
  readonly severity: "error" | "warning";
  /** CamelCase, fit for the reason of a Kubernetes condition. */
  readonly reason: string;
  readonly message: string;
  /** What to do about it, in the imperative. */
  readonly hint: string;
  /** Absent when the text could not be read far enough to know it. */
  readonly object?: ObjectRef;
  /** Path in the object, for example `spec.http[0].route[1].weight`. */
  readonly field?: string;
  /** Relative to the folder that is watched. */
  readonly file?: string;
  /** Counted from one. */
  readonly line?: number;
}

/** One line: `demo.yaml:12: VirtualService default/backend spec.http[0]: … (WeightSum). Fix: …`. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, object, field, reason, message, hint } = diagnostic;
  const place = file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`}: `;
  const subject = [object && formatObjectRef(object), field]
    .filter((part) => part !== undefined && part !== "")
    .join(" ");
  return `${place}${subject === "" ? "" : `${subject}: `}${message} (${reason}). Fix: ${hint}`;
}
