import { type Diagnostic, formatPlace } from "./diagnostic.js";

/** How a code frame looks. */
export interface CodeFrameOptions {
  /** With the escape sequences of a terminal. Default false. */
  color?: boolean;
  /** Longest line of source, in characters; what is longer is cut around the place. Default 120. */
  width?: number;
}

const DEFAULT_WIDTH = 120;
const CONTROL = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/**
 * A diagnostic as people read it: its place and message in one line, the source lines with a caret under what it is
 * about, and notes.
 */
export function renderDiagnostic(diagnostic: Diagnostic, options: CodeFrameOptions = {}): string {
  const { color = false, width = DEFAULT_WIDTH } = options;
  const paint = (code: string, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const { severity, message, code, note, related } = diagnostic;
  const accent = severity === "error" ? "1;31" : "1;33";
  const suffix = code === undefined ? "" : paint("2", ` (${code})`);
  const head = `${paint("1", formatPlace(diagnostic))}${paint(accent, severity)}: ${visible(message)}${suffix}`;
  const frame = renderFrame(
    diagnostic,
    width,
    (text) => paint("2", text),
    (text) => paint(accent, text),
  );
  const notes = [
    ...(note === undefined ? [] : [`note: ${note}`]),
    ...(related === undefined ? [] : [`see also ${related.file}:${related.line}:${related.column}`]),
  ];
  return [head, ...frame, ...notes.map((text) => `  ${paint("2", text)}`)].join("\n");
}

type Paint = (text: string) => string;

function renderFrame(diagnostic: Diagnostic, width: number, dim: Paint, accent: Paint): string[] {
  const { excerpt, line, column } = diagnostic;
  if (excerpt === undefined || line === undefined || column === undefined) return [];
  const marked = excerpt.lines[line - excerpt.firstLine];
  if (marked === undefined) return [];
  const start = column - 1;
  // What goes on for several lines is marked to the end of its first.
  const end = diagnostic.endLine === line ? (diagnostic.endColumn ?? column + 1) - 1 : marked.length;
  const from = Math.max(0, Math.min(start - Math.floor(width / 3), marked.length - width));
  const cut = (text: string): string => {
    const part = text.slice(from, from + width);
    return `${from > 0 && text.length > 0 ? "…" : ""}${part}${text.length > from + width ? "…" : ""}`;
  };
  const gutter = String(excerpt.firstLine + excerpt.lines.length - 1).length;
  return excerpt.lines.flatMap((text, i) => {
    const number = excerpt.firstLine + i;
    const label = String(number).padStart(gutter);
    if (number !== line) return [`${dim(`  ${label} |`)} ${visible(cut(text))}`.trimEnd()];
    // Tabs stay tabs, so that the caret stands where the reader's terminal shows the place.
    const indent = `${from > 0 ? " " : ""}${marked.slice(from, start).replaceAll(/[^\t]/g, " ")}`;
    const carets = "^".repeat(Math.max(1, Math.min(end, marked.length, from + width) - start));
    return [
      `${accent(">")} ${dim(`${label} |`)} ${visible(cut(text))}`,
      `${dim(`  ${" ".repeat(gutter)} |`)} ${indent}${accent(carets)}`,
    ];
  });
}

/* A source may hold what moves the cursor or hides text. */
function visible(text: string): string {
  return text.replaceAll(CONTROL, (character) => (character === "\t" ? character : "\ufffd"));
}
