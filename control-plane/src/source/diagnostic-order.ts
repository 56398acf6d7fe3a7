import { compareStrings } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { formatObjectRef } from "../model/object-ref.js";

/** By file, line, object, field, reason, message. */
export function compareDiagnostics(a: Diagnostic, b: Diagnostic): number {
  return (
    compareStrings(a.file ?? "", b.file ?? "") ||
    (a.line ?? 0) - (b.line ?? 0) ||
    compareStrings(a.object ? formatObjectRef(a.object) : "", b.object ? formatObjectRef(b.object) : "") ||
    compareStrings(a.field ?? "", b.field ?? "") ||
    compareStrings(a.reason, b.reason) ||
    compareStrings(a.message, b.message)
  );
}
