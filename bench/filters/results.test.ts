import { expect, test } from "vitest";
import { findings } from "./filters.js";
import { goals, verdict } from "./goals.js";
import { formatReport } from "./report.js";
import { costIn, type Round, ratio, rows } from "./results.js";

const MODULE = { path: "", bytes: 9000, madeWith: "the SDK" };
const subjects = [
  { name: "none", what: "", filters: 0, headers: {} },
  { name: "c", what: "", base: "none", filters: 5, headers: {} },
  { name: "rust", what: "", base: "none", filters: 5, headers: {} },
  { name: "weft", what: "", base: "none", filters: 5, headers: {}, module: MODULE },
  { name: "routed", what: "", filters: 0, headers: {} },
  { name: "retry", what: "", base: "routed", filters: 1, headers: {}, module: MODULE },
];
const [none, c, rust, weft] = subjects;

function round(costs: Record<string, number>, megabytes: Record<string, number> = {}): Round {
  return new Map(
    Object.entries(costs).map(([name, microsecondsPerRequest]) => [
      name,
      { microsecondsPerRequest, residentBytes: (megabytes[name] ?? 80) * 1e6, requests: 1000 },
    ]),
  );
}
/* The machine is half as fast in the second round. */
const rounds = [
  round({ none: 20, c: 30, rust: 40, weft: 35, routed: 50, retry: 55 }, { c: 83, weft: 85 }),
  round({ none: 40, c: 60, rust: 80, weft: 70, routed: 100, retry: 110 }, { c: 83, weft: 84 }),
  round({ none: 20, c: 30, rust: 40, weft: 35, routed: 50, retry: 56 }, { c: 83, weft: 85 }),
];

test("the base of the same round is subtracted, and filters share the rest", () => {
  expect(rounds.map((one) => costIn(one, weft!))).toEqual([3, 6, 3]);
  expect(costIn(rounds[0]!, none!)).toBeUndefined();
  expect(() => costIn(round({ weft: 35 }), weft!)).toThrow("weft was measured without none");
});

test("a ratio is one of costs in the same round, so that a slow round does not count for more", () => {
  expect(ratio(rounds, weft!, rust!)).toMatchObject({ median: 0.75, low: 0.75, high: 0.75, count: 3 });
  expect(ratio(rounds, weft!, c!)).toMatchObject({ median: 1.5, count: 3 });
});

test("a round in which the other costs nothing says nothing", () => {
  const odd = round({ none: 30, c: 30, rust: 40, weft: 35 });
  expect(ratio([...rounds, odd], weft!, c!)).toMatchObject({ median: 1.5, count: 3 });
  expect(ratio([odd], weft!, c!)).toBeUndefined();
});

test("a row has medians over the rounds", () => {
  const found = rows(subjects, rounds);
  expect(
    found.map(({ name, microsecondsPerRequest, microsecondsPerFilter }) => [
      name,
      microsecondsPerRequest.median,
      microsecondsPerFilter?.median,
    ]),
  ).toEqual([
    ["none", 20, undefined],
    ["c", 30, 2],
    ["rust", 40, 4],
    ["weft", 35, 3],
    ["routed", 50, undefined],
    ["retry", 55 + 1, 6],
  ]);
  expect(found[3]).toMatchObject({ moduleBytes: 9000, residentBytes: { median: 85e6 } });
});

test("goals are judged by what was measured, and what was left out is not met by that", () => {
  const found = goals(findings(subjects, rounds));
  expect(found.map((goal) => [goal.name, goal.value, verdict(goal)])).toEqual([
    ["cost of a filter, as a multiple of rust's", 0.75, "met"],
    ["cost of a filter, as a multiple of c's", 1.5, "met"],
    ["cost of a filter, as a multiple of c-bare's", undefined, "not measured"],
    ["cost of a filter, as a multiple of gcore's", undefined, "not measured"],
    ["size of the module", 9, "met"],
    ["memory of Envoy beyond c's", 2, "met"],
    ["cost of retry for a request", 6, "met"],
    ["cost of canary for a request", undefined, "not measured"],
    ["cost of rate-limit for a request", undefined, "not measured"],
    ["cost of telemetry for a request", undefined, "not measured"],
  ]);
});

test.each([
  [{ limit: 1, inclusive: true, value: 1 }, "met"],
  [{ limit: 1, inclusive: true, value: 1.01 }, "not met"],
  [{ limit: 12, inclusive: false, value: 12 }, "not met"],
  [{ limit: 12, inclusive: false, value: 11.99 }, "met"],
  [{ limit: 1.6, inclusive: true, stretch: 1.3, value: 1.3 }, "stretch met"],
  [{ limit: 1.6, inclusive: true, stretch: 1.3, value: 1.31 }, "met"],
  [{ limit: 1.6, inclusive: true, stretch: 1.3, value: 1.7 }, "not met"],
  [{ limit: 1, inclusive: true }, "not measured"],
] as const)("%o is %s", (goal, expected) => {
  expect(verdict({ name: "x", unit: "×", ...goal })).toBe(expected);
});

test("a report names every subject and every goal", () => {
  const text = formatReport(
    {
      command: "filters",
      machine: { cpu: "a CPU", cores: 2, memoryBytes: 8e9, kernel: "6.1", node: "20.0.0", load: 0.1 },
      envoy: "1.40.0 RELEASE",
      options: { rounds: 3, seconds: 4, filters: 5 },
      rows: rows(subjects, rounds),
      goals: goals(findings(subjects, rounds)),
    },
    "markdown",
  );
  for (const { name } of subjects) expect(text).toMatch(new RegExp(`^\\| ${name} `, "m"));
  expect(text).toMatch(
    /^\| cost of a filter, as a multiple of c's +\| ≤ 1\.6 × \(1\.3\) \| +1\.50 \(1\.50–1\.50\) \| met /m,
  );
  expect(text).toContain("- weft: the SDK");
});
