import { describe, expect, it } from "vitest";
import { mkServed } from "../../../test/builders.js";
import type { ModuleFailure, ModuleState, ServedPlugin } from "../model/module-state.js";
import type { RolloutPlan } from "../model/rollout.js";
import { adopt, holdOf, type Track, trackedState } from "./adopt.js";
import { beginProgress } from "./progress.js";

const PLAN: RolloutPlan = { steps: [{ weight: 10, pauseMs: 0 }], maxFailures: { kind: "count", count: 0 } };
const NOW = 1000;
const version = (name: string, over: Partial<ServedPlugin> = {}) => mkServed("p", { version: name, ...over });
const [a, b, c] = [version("a"), version("b"), version("c")];

const ready = (served: ServedPlugin): ModuleState => ({ kind: "ready", served });
const pending = (lastGood?: ServedPlugin): ModuleState => ({
  kind: "pending",
  message: "being checked",
  ...(lastGood === undefined ? {} : { lastGood }),
});
const failed = (lastGood?: ServedPlugin, over: Partial<ModuleFailure> = {}): ModuleState => ({
  kind: "failed",
  failure: { stage: "Resolved", reason: "NotFound", message: "no such tag", ...over },
  ...(lastGood === undefined ? {} : { lastGood }),
});

/** `a+b` is a in force and b on its way. */
const brief = ({ stable, run }: Track) =>
  `${stable?.version ?? "nothing"}${run === undefined ? "" : `+${run.candidate.version}`}`;
const inForce: Track = { proven: ready(a), stable: a };
const halfway: Track = {
  proven: ready(b),
  stable: a,
  run: { candidate: b, progress: { ...beginProgress(NOW), phase: "observing", limit: 40 } },
};

describe("what becomes of a proven version", () => {
  it.each<[string, Track | undefined, ModuleState, string, RolloutPlan | undefined]>([
    ["the first is in force at once", undefined, ready(a), "a", PLAN],
    ["the first after failures is in force at once", { proven: failed() }, ready(a), "a", PLAN],
    ["another is on its way", inForce, ready(b), "a+b", PLAN],
    ["without a plan it is in force at once", inForce, ready(b), "b", undefined],
    ["the same stays", inForce, ready(a), "a", PLAN],
    ["the one on its way stays on its way", halfway, ready(b), "a+b", PLAN],
    ["a third takes the place of the one on its way", halfway, ready(c), "a+c", PLAN],
    ["the one in force ends the rollout", halfway, ready(a), "a", PLAN],
    ["without a plan the one on its way is in force at once", halfway, ready(b), "b", undefined],
    ["while it is looked for all stays", halfway, pending(b), "a+b", PLAN],
    ["while the registry is away all stays", halfway, failed(b), "a+b", PLAN],
    ["after a restart with the registry away all stays", { ...halfway, proven: pending(a) }, failed(a), "a+b", PLAN],
    ["a failure before anything was good leaves nothing", undefined, failed(), "nothing", PLAN],
    ["what was remembered is in force", undefined, pending(a), "a", PLAN],
  ])("%s", (_name, track, proven, expected, plan) => {
    expect(brief(adopt(track, proven, { plan, isRejected: () => false, nowMs: NOW }))).toBe(expected);
  });

  it.each<[string, Track, ModuleState, string, string]>([
    ["a version that was taken back leaves the one in force", inForce, failed(b), "b", "a"],
    ["one in force that proxies refuse leaves the one before", { proven: ready(b), stable: b }, failed(a), "b", "a"],
    ["one in force that proxies refuse leaves nothing where nothing was", inForce, failed(), "a", "nothing"],
    ["in the place of a refused one another is in force at once", inForce, ready(b), "a", "b"],
    ["the one on its way replaces a refused one at once", halfway, failed(b), "a", "b"],
  ])("%s", (_name, track, proven, rejected, expected) => {
    const isRejected = (v: string) => v === rejected;
    expect(brief(adopt(track, proven, { plan: PLAN, isRejected, nowMs: NOW }))).toBe(expected);
  });

  it("a rollout begins with nobody, and one that goes on keeps its place", () => {
    const options = { plan: PLAN, isRejected: () => false, nowMs: NOW };
    expect(adopt(inForce, ready(b), options).run?.progress).toEqual(beginProgress(NOW));
    expect(adopt(halfway, ready(c), options).run?.progress).toEqual(beginProgress(NOW));
    expect(adopt(halfway, ready(version("b")), options).run?.progress).toBe(halfway.run?.progress);
  });

  it("takes the bytes that come later, and does not give away those that it has", () => {
    const { wasm: _, ...bare } = a;
    const options = { plan: PLAN, isRejected: () => false, nowMs: NOW };
    expect(adopt({ proven: pending(bare), stable: bare }, pending(a), options).stable).toBe(a);
    expect(adopt(inForce, pending(bare), options).stable).toBe(a);
  });
});

describe("what translation is told", () => {
  const rollout = { candidate: b, limit: 40 };
  it.each<[string, Track, ModuleState]>([
    ["of one version", inForce, ready(a)],
    ["of two", halfway, { ...ready(a), rollout }],
    ["while one is looked for", { ...halfway, proven: pending(b) }, { ...pending(a), rollout }],
    ["while the registry is away", { ...halfway, proven: failed(b) }, { ...failed(a), rollout }],
    ["of nothing", { proven: failed() }, failed()],
  ])("%s", (_name, track, expected) => {
    expect(trackedState(track)).toEqual(expected);
  });
});

describe("a rollout is held", () => {
  it.each<[string, Track, RegExp | undefined]>([
    ["not when its version is the wanted one", halfway, undefined],
    ["not without a rollout", inForce, undefined],
    ["while another is looked for", { ...halfway, proven: pending(b) }, /which version is wanted/],
    ["not while the registry is away", { ...halfway, proven: failed(b, { nextAttempt: "soon" }) }, undefined],
    ["while what is wanted is not usable", { ...halfway, proven: failed(b) }, /not usable \(NotFound\)/],
    [
      "after a restart with the registry away",
      { ...halfway, proven: failed(a, { nextAttempt: "soon" }) },
      /not usable/,
    ],
  ])("%s", (_name, track, expected) => {
    if (expected === undefined) expect(holdOf(track)).toBeUndefined();
    else expect(holdOf(track)).toMatch(expected);
  });
});
