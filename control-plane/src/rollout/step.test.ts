import { describe, expect, it } from "vitest";
import type { RolloutPlan } from "../model/rollout.js";
import { beginProgress, type HealthCounters, type ObservedProxy, type RolloutProgress } from "./progress.js";
import { proxiesToRead, step } from "./step.js";

const NOW = 1_000_000;
const PAUSE = 30_000;
const PLAN: RolloutPlan = {
  steps: [
    { weight: 10, pauseMs: PAUSE },
    { weight: 50, pauseMs: PAUSE },
  ],
  maxFailures: { kind: "fraction", fraction: 0.05 },
};

const counters = (requests = 0, errors = 0, vmFailures = 0): HealthCounters => ({
  requests,
  errors,
  vmFailures,
  pluginFailures: 0,
});
const well = { ok: true, counters: counters(100) } as const;
const unread = { ok: false, message: "127.0.1.1:15092: ECONNREFUSED" } as const;

/** `a` is in both steps, `b` in the second, `c` and `d` in none. */
const BUCKETS = { a: 5, b: 40, c: 60, d: 90 } as const;
type Name = keyof typeof BUCKETS;
const proxy = (key: Name, over: Partial<ObservedProxy> = {}): ObservedProxy => ({
  key,
  bucket: BUCKETS[key],
  acked: true,
  reading: well,
  ...over,
});
const all = (over: Partial<Record<Name, Partial<ObservedProxy>>> = {}): ObservedProxy[] =>
  (Object.keys(BUCKETS) as Name[]).map((key) => proxy(key, over[key]));

const preparing = beginProgress(NOW - 1000);
const baselines = new Map<string, HealthCounters>([
  ["a", counters(100)],
  ["b", counters(100)],
]);
const observing: RolloutProgress = {
  ...preparing,
  phase: "observing",
  limit: 10,
  settledMs: NOW - PAUSE,
  baselines,
  latest: baselines,
};
const second: RolloutProgress = { ...observing, step: 1, limit: 50 };

/** What a step comes to, in brief. */
const brief = (progress: RolloutProgress, proxies: readonly ObservedProxy[], plan = PLAN, hold?: string) => {
  const stepped = step(plan, progress, proxies, NOW, hold);
  const { step: index, phase, limit } = stepped.progress;
  return `${index} ${phase} ${limit} [${stepped.effects.map(({ kind }) => kind).join(" ")}] ${stepped.progress.message}`;
};

const after = (requests: number, errors: number, vmFailures = 0) => ({
  reading: { ok: true, counters: counters(100 + requests, errors, vmFailures) } as const,
});

describe("a step", () => {
  it.each<[string, RolloutProgress, readonly ObservedProxy[], RegExp]>([
    ["begins when the health before is known", preparing, all(), /^0 observing 10 \[serve\] 0 of 1 proxies/],
    ["does not begin without proxies", preparing, [], /^0 preparing 0 \[\] no connected proxy/],
    [
      "does not begin before the health is known",
      preparing,
      all({ a: { reading: unread } }),
      /^0 preparing 0 \[\] the health of 1 of 1 proxies of the step cannot be read: a: 127.0.1.1:15092: ECONNREFUSED$/,
    ],
    [
      "does not need those that it compares with",
      preparing,
      all({ b: { reading: unread } }),
      /^0 observing 10 \[serve\]/,
    ],
    [
      "takes the first proxy where the weight hits none",
      preparing,
      [proxy("b"), proxy("c")],
      /^0 observing 41 \[serve\] 0 of 1 proxies/,
    ],
    [
      "waits for the acknowledgement",
      observing,
      all({ a: { acked: false } }),
      /^0 observing 10 \[\] 0 of 1 .* waiting for a$/,
    ],
    ["does not wait for others", observing, all({ c: { acked: false } }), /^1 preparing 10 \[\]/],
    [
      "waits for its pause",
      { ...observing, settledMs: NOW - PAUSE + 1 },
      all(),
      /^0 observing 10 \[\] well so far; the pause of this step ends at 1970-01-01T00:16:40.001Z$/,
    ],
    [
      "begins its pause when all run it",
      { ...observing, settledMs: undefined },
      all(),
      /^0 observing 10 \[\] well so far/,
    ],
    ["goes on to the next", observing, all(), /^1 preparing 10 \[\]/],
    [
      "waits while its health cannot be read",
      observing,
      all({ a: { reading: unread } }),
      /^0 observing 10 \[\] the health of 1 of 1/,
    ],
    [
      "waits while it was not asked",
      observing,
      [{ key: "a", bucket: 5, acked: true }],
      /^0 observing 10 \[\] .*not asked yet/,
    ],
    [
      "waits while none of its proxies is connected",
      observing,
      [proxy("b"), proxy("c")],
      /^0 observing 10 \[\] no proxy of the step/,
    ],
    [
      "chooses anew when none of its proxies has come back for long",
      { ...observing, sinceMs: NOW - 60_000 },
      [proxy("b"), proxy("c")],
      /^0 preparing 10 \[\] no proxy of the step is left/,
    ],
    [
      "chooses nobody while nobody is connected",
      { ...observing, sinceMs: NOW - 60_000 },
      [],
      /^0 observing 10 \[\] no proxy of the step is connected/,
    ],
    [
      "the next prepares with the limit of the one before",
      { ...second, phase: "preparing", limit: 10 },
      all(),
      /^1 observing 50 \[serve\]/,
    ],
    [
      "the next waits for the health of its new proxies",
      { ...second, phase: "preparing", limit: 10 },
      all({ b: { reading: unread } }),
      /^1 preparing 10 \[\] the health of 1 of 2 proxies of the step cannot be read: b/,
    ],
    ["the last completes", second, all(), /^1 observing 50 \[complete\]/],
    ["that is paused stays", { ...observing, paused: true }, all(), /^0 observing 10 \[\] paused/],
    ["that is paused before it began stays", { ...preparing, paused: true }, all(), /^0 preparing 0 \[\] paused/],
    ["of a plan that became shorter is the last", { ...second, step: 7 }, all(), /^1 observing 50 \[complete\]/],
  ])("%s", (_name, progress, proxies, expected) => {
    expect(brief(progress, proxies)).toMatch(expected);
  });

  it.each<[string, RolloutProgress, readonly ObservedProxy[], RegExp]>([
    [
      "a proxy refuses it",
      { ...observing, settledMs: undefined },
      all({ a: { acked: false, refusal: "Unable to create" } }),
      /^0 observing 10 \[roll-back\] rolled back at step 1 of 2 \(weight 10\): a refused it: Unable to create$/,
    ],
    [
      "its VM broke",
      observing,
      all({ a: after(5, 1, 1) }),
      /\[roll-back\] rolled back at step 1 of 2 \(weight 10\): its VM broke or was reloaded 1 times on a; .* 0 times on 1 proxies$/,
    ],
    [
      "too many requests fail",
      observing,
      all({ a: after(50, 10), b: after(50, 0) }),
      /\[roll-back\] .*: 10 of 50 requests failed with 5xx on a, where 0% usually do; maxFailures is 5%$/,
    ],
    ["that is known while it is paused", { ...observing, paused: true }, all({ a: after(5, 1, 1) }), /\[roll-back\]/],
    [
      "that is known while the next step prepares",
      { ...observing, step: 1, phase: "preparing" },
      all({ a: after(5, 1, 1) }),
      /^1 preparing 10 \[roll-back\]/,
    ],
    [
      "that is known before all run it",
      { ...second, settledMs: undefined },
      all({ a: after(5, 1, 1), b: { acked: false } }),
      /\[roll-back\]/,
    ],
  ])("goes back when %s", (_name, progress, proxies, expected) => {
    expect(brief(progress, proxies)).toMatch(expected);
  });

  it.each<[string, RolloutProgress, readonly ObservedProxy[], RegExp]>([
    ["those with the old version fare alike", observing, all({ a: after(50, 10), b: after(50, 10) }), /^1 preparing/],
    [
      "those with the old version break alike",
      observing,
      all({ a: after(50, 0, 2), b: after(50, 0, 2) }),
      /^1 preparing/,
    ],
    ["the old version is refused, elsewhere", observing, all({ c: { refusal: "no", acked: false } }), /^1 preparing/],
    [
      "its Envoy was started anew",
      observing,
      all({ a: { reading: { ok: true, counters: counters(3) } } }),
      /^1 preparing/,
    ],
    [
      "few requests failed, and waits for more",
      observing,
      all({ a: after(10, 2) }),
      /^0 observing 10 \[\] 2 of 10 requests .*waiting for more requests$/,
    ],
    ["its health cannot be read", observing, all({ a: { reading: unread } }), /^0 observing 10 \[\]/],
  ])("does not go back when %s", (_name, progress, proxies, expected) => {
    expect(brief(progress, proxies)).toMatch(expected);
  });

  it("counts a new proxy of the step from when it is first seen", () => {
    const joined = { ...second, baselines: new Map([["a", counters(100)]]) };
    const seen = step(PLAN, joined, all({ b: after(500, 50, 7) }), NOW);
    expect(seen.effects).toEqual([{ kind: "complete" }]);
    expect(seen.progress.baselines.get("b")).toEqual(counters(600, 50, 7));
  });

  it("is held without being left: it may still go back", () => {
    expect(brief(observing, all(), PLAN, "a version is looked for")).toBe("0 observing 10 [] a version is looked for");
    expect(brief(observing, all({ a: after(5, 0, 1) }), PLAN, "a version is looked for")).toContain("[roll-back]");
  });

  it("takes as baselines what was read just before", () => {
    const { progress } = step(PLAN, preparing, all({ a: after(7, 1), c: { reading: unread } }), NOW);
    expect([...progress.baselines]).toEqual([
      ["a", counters(107, 1)],
      ["b", counters(100)],
    ]);
  });
});

describe("proxiesToRead", () => {
  const plain = all().map(({ key, bucket, acked }) => ({ key, bucket, acked }));
  it.each<[string, RolloutProgress, string[]]>([
    ["before the first step", preparing, ["a", "b"]],
    ["during the first step", observing, ["a", "b"]],
    ["before the second step", { ...second, phase: "preparing", limit: 10 }, ["a", "b", "c", "d"]],
    ["during the second step", second, ["a", "b", "c", "d"]],
  ])("are the step's and as many others: %s", (_name, progress, expected) => {
    expect(proxiesToRead(PLAN, progress, plain)).toEqual(expected);
  });

  it("are none where none is connected", () => {
    expect(proxiesToRead(PLAN, observing, [])).toEqual([]);
  });
});

it("leads from nobody to everybody, and never takes the version from a proxy that has it", () => {
  const proxies = Array.from({ length: 40 }, (_, i) => ({ key: `p${i}`, bucket: (i * 37) % 100, acked: true }));
  const plan = { ...PLAN, steps: [1, 10, 50, 100].map((weight) => ({ weight, pauseMs: 1 })) };
  let progress = beginProgress(0);
  const limits: number[] = [];
  for (let now = 0; now < 100; now++) {
    const asked = new Set(proxiesToRead(plan, progress, proxies));
    const observed = proxies.map((p) => (asked.has(p.key) ? { ...p, reading: well } : p));
    const { progress: next, effects } = step(plan, progress, observed, now);
    progress = next;
    limits.push(progress.limit);
    if (effects.some(({ kind }) => kind === "complete")) break;
  }
  expect([...new Set(limits)]).toEqual([1, 10, 50, 100]);
});
