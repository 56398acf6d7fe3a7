import { expect, test } from "vitest";
import { formatMetricChanges, metricChanges, parseMetrics } from "./metric-changes.js";

const stats = `wasmcustom.requests: 12
wasmcustom.by.route.a: 0
cluster.upstream.rq: 3
wasmcustom.level: -4
wasmcustom.empty: No recorded values
wasmcustom.ms: P0(nan,1) P25(nan,1.025) P50(nan,1.05) P75(nan,1.075) P90(nan,1.09) P95(nan,1.095) P99(nan,1.099) P99.5(nan,1.0995) P99.9(nan,1.0999) P100(nan,1.1)
`;

test("only what plugins define is read", () => {
  expect([...parseMetrics(stats)]).toEqual([
    ["requests", 12],
    ["by.route.a", 0],
    ["level", -4],
    ["ms", "p50 1.05 p99 1.1 max 1.1"],
  ]);
});

test.each<[string, [string, number | string][], [string, number | string][], object[]]>([
  ["nothing new", [["a", 1]], [["a", 1]], []],
  ["a counter", [["a", 1]], [["a", 4]], [{ name: "a", value: 4, by: 3 }]],
  ["a gauge that falls", [["a", 4]], [["a", 1]], [{ name: "a", value: 1, by: -3 }]],
  ["one that appears", [], [["a", 2]], [{ name: "a", value: 2, by: 2 }]],
  ["one that appears with nothing", [], [["a", 0]], []],
  ["one that is gone", [["a", 2]], [], []],
  ["a histogram", [["h", "p50 1"]], [["h", "p50 2"]], [{ name: "h", value: "p50 2" }]],
  [
    "in order",
    [],
    [
      ["b", 1],
      ["a", 1],
    ],
    [
      { name: "a", value: 1, by: 1 },
      { name: "b", value: 1, by: 1 },
    ],
  ],
])("%s", (_, before, after, changes) => {
  expect(metricChanges(new Map(before), new Map(after))).toEqual(changes);
});

test("one line, not a flood", () => {
  const changes = Array.from({ length: 9 }, (_, i) => ({ name: `m${i}`, value: i, by: i - 1 }));
  expect(formatMetricChanges(changes, 2)).toBe("m0 0 (-1), m1 1 (+0), 7 more");
  expect(formatMetricChanges([{ name: "h", value: "p50 1" }])).toBe("h p50 1");
});
