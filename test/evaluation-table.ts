import { beforeAll, expect, test } from "vitest";
import { evaluate } from "./build-plugin.js";

/** A test for each expression over a plugin's pure functions, with the text that it must give. One compilation for all. */
export function evaluationTable(
  plugin: string,
  declarations: string,
  cases: readonly (readonly [expression: string, expected: string])[],
): void {
  let results: string[];
  beforeAll(async () => {
    results = await evaluate(
      plugin,
      declarations,
      cases.map(([expression]) => expression),
    );
  });
  test.each(cases.map(([expression, expected], i) => ({ expression, expected, i })))(
    "$expression is $expected",
    ({ expected, i }) => {
      expect(results[i]).toBe(expected);
    },
  );
}
