import { beforeAll, expect, test } from "vitest";
import { evaluate } from "../../../test/build-plugin.js";

const KEYS = 100_000;
const SHARES = [0, 0.5, 1, 10, 33.33, 50, 99, 100];

const DECLARATIONS = `
import { inShare } from "./choice";
function count(percentage: f64): string {
  let chosen = 0;
  for (let i = 0; i < ${KEYS}; i++) if (inShare("user-" + i.toString(), percentage)) chosen++;
  return chosen.toString();
}
/* Keys in the smaller share that are not in the larger one. */
function lost(smaller: f64, larger: f64): string {
  let keys = 0;
  for (let i = 0; i < ${KEYS}; i++) {
    const key = i.toString();
    if (inShare(key, smaller) && !inShare(key, larger)) keys++;
  }
  return keys.toString();
}
`;

let results: string[];

beforeAll(async () => {
  const counts = SHARES.map((share) => `count(${share})`);
  results = await evaluate("canary", DECLARATIONS, [...counts, "lost(10, 11)", "lost(0.01, 99.99)"]);
});

test.each(SHARES.map((share, i) => ({ share, i })))("$share percent of the keys are chosen", ({ share, i }) => {
  expect(Math.abs((Number(results[i]) / KEYS) * 100 - share)).toBeLessThanOrEqual(
    share === 0 || share === 100 ? 0 : 0.7,
  );
});

test("a larger share keeps every key of a smaller one", () => {
  expect(results.slice(SHARES.length)).toEqual(["0", "0"]);
});
