import { expect, test } from "vitest";
import { quantile, rotated, spread } from "./statistics.js";

test.each([
  [[5], 0.5, 5],
  [[3, 1, 2], 0.5, 2],
  [[4, 1, 3, 2], 0.5, 2.5],
  [[10, 9, 100], 0.5, 10],
  [[1, 2, 3, 4, 5], 0.25, 2],
  [[1, 2, 3, 4], 0.25, 1.75],
  [[1, 2, 3, 4], 0, 1],
  [[1, 2, 3, 4], 1, 4],
])("of %j the quantile %d is %d", (values, share, expected) => {
  expect(quantile(values, share)).toBe(expected);
});

test("nothing has no quantile, and neither has what is not a number", () => {
  expect(() => quantile([], 0.5)).toThrow("no values");
  expect(() => quantile([1, Number.NaN], 0.5)).toThrow("not a number");
});

test("an outlier moves neither the median nor the quarters", () => {
  const values = [1, 2, 3, 4, 5];
  expect(spread(values)).toEqual({ median: 3, low: 2, high: 4, count: 5 });
  expect(spread([1, 2, 3, 4, 5000])).toEqual({ median: 3, low: 2, high: 4, count: 5 });
  expect(values).toEqual([1, 2, 3, 4, 5]);
});

test.each([
  [["a", "b", "c"], 0, ["a", "b", "c"]],
  [["a", "b", "c"], 1, ["b", "c", "a"]],
  [["a", "b", "c"], 5, ["c", "a", "b"]],
  [[], 3, []],
])("%j from place %d on is %j", (list, by, expected) => {
  expect(rotated(list, by)).toEqual(expected);
});
