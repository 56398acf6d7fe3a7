/** What is wrong with a plugin's source or manifest, as a value. */
export interface Diagnostic {
  severity: "error" | "warning";
  /** Path relative to the plugin's folder, or the name of an SDK source. Absent: the plugin as a whole. */
  file?: string;
  /** From 1. */
  line?: number;
  /** From 1, in UTF-16 units. */
  column?: number;
  /** Where it ends: the line and the column after the last character. */
  endLine?: number;
  endColumn?: number;
  /** asc's number for it, for example `TS2322`. */
  code?: string;
  message: string;
  /** More for people, for example why the place is this one. */
  note?: string;
  /** Another place that it is about, for example the first of two declarations. */
  related?: Place;
  /** The source lines around the place. */
  excerpt?: Excerpt;
}

/** Where in a source something is. */
export interface Place {
  file: string;
  line: number;
  column: number;
}

/** The lines of a source around a mistake. */
export interface Excerpt {
  /** From 1. */
  firstLine: number;
  lines: string[];
}

const LINES_BEFORE = 2;
const LINES_AFTER = 1;
const MAX_LINE_LENGTH = 2000;

/** `assembly/index.ts:12:5: error: message`, the form that editors and terminals make clickable. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  return `${formatPlace(diagnostic)}${diagnostic.severity}: ${diagnostic.message}`;
}

/** `assembly/index.ts:12:5: `; empty for what is nowhere in particular. */
export function formatPlace({ file, line, column }: Pick<Diagnostic, "file" | "line" | "column">): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(":");
  return place === "" ? "" : `${place}: `;
}

/** Line and column of an offset. */
export function position(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - lineStart + 1 };
}

/** The lines around one, without line ends; a very long line is cut. */
export function excerptOf(text: string, line: number): Excerpt {
  const firstLine = Math.max(1, line - LINES_BEFORE);
  const lines = text
    .split("\n")
    .slice(firstLine - 1, line + LINES_AFTER)
    .map((each) => each.replace(/\r$/, "").slice(0, MAX_LINE_LENGTH));
  if (lines.length > line - firstLine + 1 && lines.at(-1) === "") lines.pop();
  return { firstLine, lines };
}

/** The diagnostic with the lines of its file, where it has a line. */
export function withExcerpt(diagnostic: Diagnostic, text: string): Diagnostic {
  return diagnostic.line === undefined ? diagnostic : { ...diagnostic, excerpt: excerptOf(text, diagnostic.line) };
}
