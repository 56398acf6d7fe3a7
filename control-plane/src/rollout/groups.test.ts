import { expect, it } from "vitest";
import { groupsAt, limitFor } from "./groups.js";

it.each<[string, number, number, number[], number]>([
  ["the weight itself", 10, 0, [3, 30, 70], 10],
  ["at least one proxy", 10, 0, [30, 70], 31],
  ["not all, so that there is something to compare with", 50, 0, [3, 30], 30],
  ["all where there is one only", 10, 0, [70], 71],
  ["all of one bucket", 10, 0, [70, 70], 71],
  ["not less than before", 10, 40, [3, 30, 70], 40],
  ["not less than before, with few proxies", 50, 60, [3, 30], 60],
  ["all at 100", 100, 0, [3, 30], 100],
  ["the weight where nobody is connected", 10, 0, [], 10],
  ["not less than before where nobody is connected", 10, 31, [], 31],
])("%s: weight %i, floor %i, buckets %j → %i", (_name, weight, floor, buckets, expected) => {
  expect(limitFor(weight, floor, buckets)).toBe(expected);
});

it("compares with as many as there are in the step, in a stable order", () => {
  const proxies = [
    { key: "z", bucket: 50, acked: true },
    { key: "y", bucket: 50, acked: true },
    { key: "x", bucket: 1, acked: true },
    { key: "w", bucket: 99, acked: true },
  ];
  const keys = (limit: number) => {
    const { step, control } = groupsAt(limit, proxies);
    return [step.map(({ key }) => key), control.map(({ key }) => key)];
  };
  expect(keys(0)).toEqual([[], []]);
  expect(keys(10)).toEqual([["x"], ["y"]]);
  expect(keys(60)).toEqual([["x", "y", "z"], ["w"]]);
  expect(keys(100)).toEqual([["x", "y", "z", "w"], []]);
});
