export type TableStyle = "text" | "markdown";

export interface Column<Row> {
  title: string;
  cell: (row: Row) => string;
  /** Numbers are flush right. Default left. */
  right?: boolean;
}

/** The rows as a table for a terminal, or for a Markdown file. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], style: TableStyle): string {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = columns.map(({ title }, i) => Math.max(3, title.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const padded = (row: readonly string[]): string[] =>
    row.map((cell, i) => (columns[i]?.right ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)));
  const line = (row: readonly string[]): string =>
    style === "markdown" ? `| ${padded(row).join(" | ")} |` : padded(row).join("  ").trimEnd();
  const rule = columns.map(({ right }, i) => {
    const dashes = "-".repeat(widths[i] ?? 0);
    return style === "markdown" && right ? `${dashes.slice(1)}:` : dashes;
  });
  return [columns.map(({ title }) => title), rule, ...cells].map(line).join("\n");
}
