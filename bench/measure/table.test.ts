import { expect, test } from "vitest";
import { type Column, formatTable } from "./table.js";

const columns: Column<[string, number]>[] = [
  { title: "kind", cell: ([name]) => name },
  { title: "µs", cell: ([, value]) => value.toFixed(1), right: true },
];
const rows: [string, number][] = [
  ["c", 1.5],
  ["native", 20.25],
];

test("a table for a terminal", () => {
  expect(formatTable(columns, rows, "text")).toBe(
    ["kind      µs", "------  ----", "c        1.5", "native  20.3"].join("\n"),
  );
});

test("a table for Markdown", () => {
  expect(formatTable(columns, rows, "markdown")).toBe(
    ["| kind   |   µs |", "| ------ | ---: |", "| c      |  1.5 |", "| native | 20.3 |"].join("\n"),
  );
});
