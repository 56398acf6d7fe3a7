import { describe, expect, it } from "vitest";
import type { MaxFailures } from "../model/rollout.js";
import { judge } from "./judge.js";
import type { HealthCounters } from "./progress.js";

type Triple = readonly [requests: number, errors: number, vmFailures: number, pluginFailures?: number];
const ZERO: Triple = [0, 0, 0, 0];
const counters = ([requests, errors, vmFailures, pluginFailures = 0]: Triple): HealthCounters => ({
  requests,
  errors,
  vmFailures,
  pluginFailures,
});
const group = (keys: readonly string[]) => keys.map((key) => ({ key, bucket: 0, acked: true }));

const FIVE_PERCENT: MaxFailures = { kind: "fraction", fraction: 0.05 };
const THREE: MaxFailures = { kind: "count", count: 3 };

interface Case {
  readonly max?: MaxFailures;
  /** What the one proxy of the step counted, before and since. */
  readonly before?: Triple;
  readonly step: Triple;
  /** What each proxy that it is compared with counted since. */
  readonly control?: readonly Triple[];
}

function verdict({ max = FIVE_PERCENT, before = ZERO, step, control = [ZERO] }: Case) {
  const controlKeys = control.map((_, i) => `c${i}`);
  const sum = before.map((value = 0, i) => value + (step[i] ?? 0)) as unknown as Triple;
  return judge(
    max,
    { step: group(["s"]), control: group(controlKeys) },
    {
      baselines: new Map([["s", counters(before)], ...controlKeys.map((key) => [key, counters(ZERO)] as const)]),
      latest: new Map([["s", counters(sum)], ...control.map((triple, i) => [`c${i}`, counters(triple)] as const)]),
    },
  ).kind;
}

describe("the verdict", () => {
  it.each<[string, Case, string]>([
    ["without traffic", { step: ZERO }, "good"],
    ["all well", { step: [1000, 0, 0], control: [[1000, 0, 0]] }, "good"],
    ["5xx at the limit", { step: [100, 5, 0], control: [[100, 0, 0]] }, "good"],
    ["5xx above the limit", { step: [100, 6, 0], control: [[100, 0, 0]] }, "bad"],
    ["5xx above the limit, as with the old version", { step: [100, 20, 0], control: [[100, 18, 0]] }, "good"],
    ["5xx far above the old version's", { step: [100, 30, 0], control: [[100, 18, 0]] }, "bad"],
    ["fewer 5xx than with the old version", { step: [100, 0, 0], control: [[100, 50, 0]] }, "good"],
    ["one failure of one request", { step: [1, 1, 0], control: [[100, 0, 0]] }, "doubtful"],
    ["three failures of three requests", { step: [3, 3, 0], control: [[100, 0, 0]] }, "bad"],
    ["without anything to compare with", { step: [100, 10, 0], control: [] }, "bad"],
    [
      "as before the step, without a control group",
      { before: [1000, 100, 0], step: [100, 10, 0], control: [] },
      "good",
    ],
    [
      "as before the step, with a control group without traffic",
      { before: [1000, 100, 0], step: [100, 10, 0] },
      "good",
    ],
    ["worse than before the step", { before: [1000, 10, 0], step: [100, 10, 0], control: [] }, "bad"],
    ["a count at the limit", { max: THREE, step: [1000, 3, 0], control: [[1000, 0, 0]] }, "good"],
    ["a count above the limit", { max: THREE, step: [1000, 4, 0], control: [[1000, 0, 0]] }, "bad"],
    ["a count beyond what is usual", { max: THREE, step: [1000, 104, 0], control: [[1000, 100, 0]] }, "bad"],
    ["a count with what is usual", { max: THREE, step: [1000, 103, 0], control: [[1000, 100, 0]] }, "good"],
    ["a VM that broke", { step: [1000, 1, 1], control: [[1000, 0, 0]] }, "bad"],
    ["a VM that broke, whatever the count", { max: { kind: "count", count: 1000 }, step: [9, 0, 1] }, "bad"],
    ["VMs that break in both versions", { step: [1000, 0, 2], control: [[1000, 0, 2]] }, "good"],
    ["VMs that break more often", { step: [1000, 0, 3], control: [[1000, 0, 2]] }, "bad"],
    ["failures of its own at the limit", { step: [100, 0, 0, 5], control: [[100, 0, 0]] }, "good"],
    ["failures of its own above the limit", { step: [100, 0, 0, 6], control: [[100, 0, 0]] }, "bad"],
    ["failures of its own as with the old version", { step: [100, 0, 0, 20], control: [[100, 0, 0, 18]] }, "good"],
    ["failures of its own as before the step", { before: [1000, 0, 0, 100], step: [100, 0, 0, 10] }, "good"],
    ["one failure of its own", { step: [1, 0, 0, 1], control: [[100, 0, 0]] }, "doubtful"],
    ["failures of its own without requests", { step: [0, 0, 0, 3], control: [[100, 0, 0]] }, "bad"],
    ["the same with the old version", { step: [0, 0, 0, 3], control: [[100, 0, 0, 3]] }, "good"],
    ["failures of its own beyond a count", { max: THREE, step: [1000, 0, 0, 4], control: [[1000, 0, 0]] }, "bad"],
    ["5xx in doubt, and failures of its own without", { step: [9, 2, 0, 9], control: [[100, 0, 0]] }, "bad"],
  ])("%s", (_name, given, expected) => {
    expect(verdict(given)).toBe(expected);
  });

  it("is of equal groups: more proxies to compare with do not excuse more", () => {
    expect(
      verdict({
        step: [100, 0, 1],
        control: [
          [100, 0, 1],
          [100, 0, 0],
        ],
      }),
    ).toBe("bad");
  });

  it("says what it counted, and what is usual", () => {
    const result = judge(
      FIVE_PERCENT,
      { step: group(["s"]), control: group(["c"]) },
      {
        baselines: new Map(["s", "c"].map((key) => [key, counters(ZERO)])),
        latest: new Map([
          ["s", counters([200, 0, 0, 50])],
          ["c", counters([100, 0, 0, 1])],
        ]),
      },
    );
    expect(result).toEqual({
      kind: "bad",
      message: "it counted 50 failures of its own in 200 requests on s, where 2 are usual; maxFailures is 5%",
    });
  });

  it("names a few of many proxies", () => {
    const keys = ["p1", "p2", "p3", "p4", "p5"];
    const result = judge(
      FIVE_PERCENT,
      { step: group(keys), control: [] },
      {
        baselines: new Map(keys.map((key) => [key, counters(ZERO)])),
        latest: new Map(keys.map((key) => [key, counters([1, 1, 1])])),
      },
    );
    expect(result).toMatchObject({ message: expect.stringContaining("5 times on p1, p2, p3 and 2 more;") });
  });
});
