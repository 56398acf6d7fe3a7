import { expect, test } from "vitest";
import { figureRows, isMet, type LoadResult, type Round } from "./results.js";

const result = (factor: number): LoadResult => ({
  connectSeconds: 20 * factor,
  connectCpuSeconds: 30 * factor,
  connectedBytes: 1_600_000_000 * factor,
  endBytes: 1_600_000_000 * factor,
  initialBytesEach: 1_000_000 * factor,
  changeP50Ms: 200 * factor,
  changeP99Ms: 270 * factor,
  lastP50Ms: 220 * factor,
  lastMaxMs: 290 * factor,
  changeCpuMs: 220 * factor,
  changeBytesEach: 400 * factor,
  lost: 0,
  ends: 0,
});
const round = (istiod: number, weft: number): Round => ({
  istiod: result(istiod),
  weft: result(weft),
  "weft-scoped": result(weft / 10),
});

test("ratios are of the same round, so that a slow one does not count for one of the two", () => {
  const [connect] = figureRows([round(1, 0.2), round(3, 0.6), round(2, 0.4)]);
  expect(connect?.values.istiod.median).toBe(40);
  expect(connect?.ratio.weft.median).toBeCloseTo(0.2);
  expect(connect?.ratio["weft-scoped"].median).toBeCloseTo(0.02);
});

test("a goal is met at its bound, and what has none is neither met nor missed", () => {
  const met = (weft: number) => figureRows([round(1, weft)]).map((row) => [row.figure.title, isMet(row)]);
  const missed = met(0.2).filter(([, is]) => is === false);
  expect(missed).toEqual([["CPU for that, s", false]]);
  expect(met(0.125).filter(([, is]) => is === true)).toHaveLength(6);
  expect(met(0.125).filter(([, is]) => is === undefined)).toHaveLength(4);
});
