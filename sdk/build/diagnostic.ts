/** What is wrong with a plugin's source or manifest, as a value. */
export interface Diagnostic {
  severity: "error" | "warning";
  /** Path relative to the plugin's folder, or the name of an SDK source. Absent: the plugin as a whole. */
  file?: string;
  /** From 1. */
  line?: number;
  /** From 1, in UTF-16 units. */
  column?: number;
  message: string;
}

/** `assembly/index.ts:12:5: error: message`, the form that editors and terminals make clickable. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const place = [diagnostic.file, diagnostic.line, diagnostic.column].filter((part) => part !== undefined).join(":");
  return `${place === "" ? "" : `${place}: `}${diagnostic.severity}: ${diagnostic.message}`;
}

/** Line and column of an offset. */
export function position(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - lineStart + 1 };
}
