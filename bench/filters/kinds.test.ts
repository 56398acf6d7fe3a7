import { expect, test } from "vitest";
import { KINDS, type Named, select } from "./kinds.js";

const kinds: Named[] = [
  { name: "none" },
  { name: "c", base: "none" },
  { name: "rust", base: "none" },
  { name: "routed" },
  { name: "retry", base: "routed" },
];
const names = (only: string[], without: string[]) => select(kinds, { only, without }).map(({ name }) => name);

test.each([
  [[], [], ["none", "c", "rust", "routed", "retry"]],
  [[], ["rust"], ["none", "c", "routed", "retry"]],
  [[], ["routed", "retry"], ["none", "c", "rust"]],
  [["rust"], [], ["none", "rust"]],
  [["retry", "c"], [], ["none", "c", "routed", "retry"]],
  [["retry", "c"], ["c"], ["routed", "retry"]],
  [["none"], [], ["none"]],
])("--only %j --without %j measures %j", (only, without, expected) => {
  expect(names(only, without)).toEqual(expected);
});

test.each([
  [["go"], [], 'there is no "go"; there are none, c, rust, routed, retry'],
  [[], ["go"], 'there is no "go"'],
  [[], ["none"], '"none" cannot be left out'],
  [["c"], ["c"], "nothing is left"],
])("--only %j --without %j is refused", (only, without, message) => {
  expect(() => names(only, without)).toThrow(message);
});

test("what is measured has the rivals and the plugins of the goals, each once", () => {
  const all = KINDS.map(({ name }) => name);
  expect(all).toEqual(expect.arrayContaining(["none", "c", "rust", "gcore", "weft"]));
  expect(all).toEqual(expect.arrayContaining(["retry", "canary", "rate-limit", "telemetry"]));
  expect(new Set(all).size).toBe(all.length);
  expect(KINDS.filter(({ rival }) => rival !== undefined).map(({ name }) => name)).toEqual([
    "c",
    "c-bare",
    "rust",
    "gcore",
  ]);
});
