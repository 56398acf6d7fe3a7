import { expect, test } from "vitest";
import { renderDiagnostic } from "./code-frame.js";
import { type Diagnostic, withExcerpt } from "./diagnostic.js";

const text = ["one", "two", "let x: i32 = 'text';", "four", "five", ""].join("\n");
const at = (line: number, column: number, endColumn = column + 1): Diagnostic =>
  withExcerpt(
    { severity: "error", file: "a.ts", line, column, endLine: line, endColumn, code: "TS1", message: "wrong" },
    text,
  );

test.each<[string, Diagnostic, string[]]>([
  [
    "a part of a line",
    at(3, 14, 20),
    [
      "a.ts:3:14: error: wrong (TS1)",
      "  1 | one",
      "  2 | two",
      "> 3 | let x: i32 = 'text';",
      "    |              ^^^^^^",
      "  4 | four",
    ],
  ],
  ["the first line", at(1, 1), ["a.ts:1:1: error: wrong (TS1)", "> 1 | one", "    | ^", "  2 | two"]],
  [
    "the last one",
    at(5, 5),
    ["a.ts:5:5: error: wrong (TS1)", "  3 | let x: i32 = 'text';", "  4 | four", "> 5 | five", "    |     ^"],
  ],
  [
    "several lines: to the end of the first",
    { ...at(2, 2), endLine: 4, endColumn: 2 },
    ["a.ts:2:2: error: wrong (TS1)", "  1 | one", "> 2 | two", "    |  ^^", "  3 | let x: i32 = 'text';"],
  ],
  [
    "notes",
    { severity: "warning", message: "odd", note: "why", related: { file: "b.ts", line: 1, column: 2 } },
    ["warning: odd", "  note: why", "  see also b.ts:1:2"],
  ],
])("%s", (_, diagnostic, lines) => {
  expect(renderDiagnostic(diagnostic).split("\n")).toEqual(lines);
});

test("the caret stands under its place behind tabs", () => {
  const source = "\tlet  wrong;";
  const frame = renderDiagnostic(
    withExcerpt({ severity: "error", line: 1, column: 7, endLine: 1, endColumn: 12, message: "m" }, source),
  );
  expect(frame.split("\n").slice(1)).toEqual(["> 1 | \tlet  wrong;", "    | \t     ^^^^^"]);
});

test("numbers of lines are right-aligned", () => {
  const source = Array.from({ length: 12 }, (_, i) => `line ${i + 1}`).join("\n");
  const frame = renderDiagnostic(withExcerpt({ severity: "error", line: 10, column: 1, message: "m" }, source));
  expect(frame.split("\n").slice(1)).toEqual([
    "   8 | line 8",
    "   9 | line 9",
    "> 10 | line 10",
    "     | ^^^^^^^",
    "  11 | line 11",
  ]);
});

test("a long line is cut around the place", () => {
  const source = `${"x".repeat(500)}HERE${"y".repeat(500)}`;
  const frame = renderDiagnostic(
    withExcerpt({ severity: "error", line: 1, column: 501, endLine: 1, endColumn: 505, message: "m" }, source),
    { width: 60 },
  );
  const [, marked = "", caret = ""] = frame.split("\n");
  expect(marked).toBe(`> 1 | …${"x".repeat(20)}HERE${"y".repeat(36)}…`);
  expect(caret.indexOf("^^^^")).toBe(marked.indexOf("HERE"));
});

test("colours only where they are asked for, and no control characters of the source", () => {
  const escape = "\u001b";
  const diagnostic = withExcerpt(
    { severity: "error", line: 1, column: 1, message: `m${escape}[2J` },
    `a${escape}[31mb\u202e`,
  );
  expect(renderDiagnostic(diagnostic)).not.toContain(escape);
  expect(renderDiagnostic(diagnostic)).not.toContain("\u202e");
  const painted = renderDiagnostic(diagnostic, { color: true });
  expect(painted).toContain(`${escape}[1;31merror${escape}[0m`);
  expect(painted).not.toContain(`${escape}[2J`);
  expect(painted).not.toContain(`${escape}[31mb`);
});
