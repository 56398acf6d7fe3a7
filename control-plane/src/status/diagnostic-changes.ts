import { type Diagnostic, formatDiagnostic } from "../model/diagnostic.js";

/** What is new in a list of diagnostics, and what is gone from it, so that each is told once. */
export interface DiagnosticChanges {
  /** By text, to be given back with the next list. */
  readonly known: ReadonlyMap<string, Diagnostic>;
  readonly appeared: readonly { readonly text: string; readonly severity: Diagnostic["severity"] }[];
  readonly solved: readonly string[];
}

export function diagnosticChanges(
  before: ReadonlyMap<string, Diagnostic>,
  now: readonly Diagnostic[],
): DiagnosticChanges {
  const known = new Map(now.map((diagnostic) => [formatDiagnostic(diagnostic), diagnostic]));
  return {
    known,
    appeared: [...known].flatMap(([text, { severity }]) => (before.has(text) ? [] : [{ text, severity }])),
    solved: [...before.keys()].filter((text) => !known.has(text)),
  };
}
