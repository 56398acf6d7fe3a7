import { type Diagnostic, renderDiagnostic } from "@weft/sdk/build";

export type OutputFormat = "text" | "json";

const KIB = 1024;
const CONTROL = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Whether what is written there may have colours: a terminal that has some, or `FORCE_COLOR`; never with `NO_COLOR`. */
export function hasColors(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR: no = "", FORCE_COLOR: force = "" } = process.env;
  if (no !== "") return false;
  return (force !== "" && force !== "0") || (stream.isTTY === true && stream.hasColors());
}

/** One line of JSON on standard output. */
export function printJson(value: unknown): void {
  console.log(JSON.stringify(value));
}

/** Diagnostics with the lines that they are about, on standard error. */
export function printDiagnostics(diagnostics: readonly Diagnostic[]): void {
  const color = hasColors(process.stderr);
  if (diagnostics.length > 0) console.error(renderDiagnostics(diagnostics, color));
}

/** Diagnostics with an empty line between them. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], color: boolean): string {
  return diagnostics
    .map((diagnostic) => `${renderDiagnostic(diagnostic, { color })}\n`)
    .join("\n")
    .trimEnd();
}

/** Diagnostics as data: without the lines of the sources, which the reader has. */
export function diagnosticsData(diagnostics: readonly Diagnostic[]): Omit<Diagnostic, "excerpt">[] {
  return diagnostics.map(({ excerpt: _, ...rest }) => rest);
}

/** `876 bytes`, `12.3 KiB`, `1.2 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < KIB) return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  return bytes < KIB * KIB ? `${(bytes / KIB).toFixed(1)} KiB` : `${(bytes / KIB / KIB).toFixed(1)} MiB`;
}

/** Text from elsewhere, in one line, without what moves a terminal's cursor. */
export function plainText(text: string, maxLength = 500): string {
  const safe = text.replaceAll(/\r?\n/g, " ").replaceAll(CONTROL, "\ufffd");
  return safe.length > maxLength ? `${safe.slice(0, maxLength)}…` : safe;
}

/** Rows as columns of equal width; the last column is as wide as it wants. */
export function formatTable(rows: readonly (readonly string[])[], indent = "  "): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.slice(0, -1).entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows.map((row) => `${indent}${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")}`.trimEnd());
}

/** `1 option`, `2 options`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
