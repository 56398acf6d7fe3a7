import { expect, test } from "vitest";
import type { Load } from "../measure/wrk.js";
import { MEMORY_COLUMNS, ratioRows } from "./report.js";
import {
  hasGoal,
  type MemorySample,
  medianMs,
  memoryRatio,
  type PathSample,
  pathResults,
  pathSample,
} from "./results.js";

const load = (over: Partial<Load> = {}): Load => ({
  ...{ requests: 100, refused: 0, socketErrors: 0, seconds: 2, latency: { p50: 0.001, p99: 0.002 } },
  ...over,
});

test("latency is of few connections, throughput of many", () => {
  const many = load({ requests: 5000, latency: { p50: 1, p99: 2 } });
  expect(pathSample("weft", load(), many)).toEqual({ p50: 0.001, p99: 0.002, throughput: 2500 });
});

test.each([{ refused: 1 }, { socketErrors: 1 }, { requests: 0 }])("a load with %j is no measurement", (over) => {
  expect(() => pathSample("plain", load(over), load())).toThrow("plain: ");
  expect(() => pathSample("plain", load(), load(over))).toThrow("plain: ");
});

test("ratios are of one round, so that a slow one weighs no more", () => {
  const sample = (p50: number): PathSample => ({ p50, p99: 2 * p50, throughput: 1 / p50 });
  const round = (slow: number) => ({ direct: sample(slow), plain: sample(2 * slow), weft: sample(3 * slow) });
  const [toDirect, plainToDirect, toPlain] = ratioRows(pathResults([round(1), round(10), round(100)]));
  expect(toDirect?.ratios.p50).toEqual({ median: 3, low: 3, high: 3, count: 3 });
  expect(plainToDirect?.ratios.p99.median).toBe(2);
  expect(toPlain?.ratios.throughput.median).toBeCloseTo(2 / 3);
});

const memory = (over: Partial<MemorySample>): MemorySample => ({
  ...{ services: 5000, allInScope: false, clusters: 9, first: [0.01, 0.03, 0.02], second: [] },
  weft: { resident: 90e6, allocated: 9e6 },
  plain: { resident: 60e6, allocated: 6e6 },
  ...over,
});
const row = (sample: MemorySample) => MEMORY_COLUMNS.map(({ cell }) => cell(sample));

test("the goal is about large meshes with the default scope", () => {
  expect(memoryRatio(memory({}))).toBe(1.5);
  expect([memory({}), memory({ services: 1000 }), memory({ allInScope: true })].map(hasGoal)).toEqual([
    true,
    false,
    false,
  ]);
  expect(row(memory({})).at(-1)).toBe("met");
  expect(row(memory({ weft: { resident: 91e6, allocated: 1 } })).at(-1)).toBe("not met");
  expect(row(memory({ services: 10 })).at(-1)).toBe("");
});

test("times of first requests are medians in milliseconds, where there are any", () => {
  expect(medianMs([0.01, 0.03, 0.02])).toBe(20);
  expect(row(memory({}))).toContain("20.0");
  expect(row(memory({}))).toContain("–");
});
