import { describe, expect, it } from "vitest";
import { mkServed } from "../../../test/builders.js";
import type { ServedPlugin } from "../model/module-state.js";
import type { RolloutReport } from "../model/rollout.js";
import type { Track } from "./adopt.js";
import { follow } from "./follow.js";
import { beginProgress } from "./progress.js";

const NOW = 1000;
const [v1, v2, v3] = ["v1", "v2", "v3"].map((version) => mkServed("p", { version })) as [
  ServedPlugin,
  ServedPlugin,
  ServedPlugin,
];
const { wasm: _, ...v2WithoutBytes } = v2;
const run = (candidate: ServedPlugin, limit = 0) => ({ candidate, progress: { ...beginProgress(0), limit } });
const inForce: Track = { proven: { kind: "ready", served: v1 }, stable: v1 };
const onItsWay = (limit = 0): Track => ({ proven: { kind: "ready", served: v2 }, stable: v1, run: run(v2, limit) });

const report = (over: Partial<RolloutReport>): RolloutReport => ({
  state: "Progressing",
  phase: "observing",
  step: 2,
  steps: 3,
  weight: 50,
  limit: 50,
  since: "2026-01-02T03:04:05Z",
  message: "waiting",
  version: "v2",
  digest: "sha256:2",
  candidate: v2WithoutBytes,
  ...over,
});
const { candidate: _candidate, ...ended } = report({});

describe("a replica that follows", () => {
  it("gives its proxies as much of the version as the leader does, with the bytes that it has itself", () => {
    const next = follow(onItsWay(), report({}), NOW);
    expect(next).toMatchObject({ kind: "moved", run: { progress: { limit: 50, step: 1, phase: "observing" } } });
    expect(next.kind === "moved" && next.run.candidate).toBe(v2);
  });

  it("begins with a version that it has not proven itself yet", () => {
    const next = follow(inForce, report({}), NOW);
    expect(next).toMatchObject({ kind: "moved", run: { candidate: { version: "v2" }, progress: { limit: 50 } } });
    expect(next.kind === "moved" && next.run.candidate.wasm).toBeUndefined();
  });

  it("follows back to a smaller part, and into a pause", () => {
    const paused = follow(onItsWay(80), report({ state: "Paused", limit: 10 }), NOW);
    expect(paused).toMatchObject({ kind: "moved", run: { progress: { limit: 10, paused: true } } });
  });

  it("puts the version in force where the leader is done, and never before", () => {
    const next = follow(onItsWay(50), { ...ended, state: "Completed" }, NOW);
    expect(next).toEqual({ kind: "completed", track: { proven: { kind: "ready", served: v2 }, stable: v2 } });
    expect(follow(inForce, { ...ended, state: "Completed" }, NOW)).toEqual({ kind: "unchanged" });
  });

  it.each(["RolledBack", "Aborted"] as const)("takes back what was %s, wherever it stands", (state) => {
    const refused = { kind: "refused", version: "v2", message: "traps" };
    expect(follow(onItsWay(50), { ...ended, state, message: "traps" }, NOW)).toEqual(refused);
    const stable: Track = { proven: { kind: "ready", served: v2 }, stable: v2 };
    expect(follow(stable, { ...ended, state, message: "traps" }, NOW)).toEqual(refused);
    expect(follow(inForce, { ...ended, state, message: "traps" }, NOW)).toEqual({ kind: "unchanged" });
  });

  it.each<[string, Track, RolloutReport | undefined]>([
    ["nothing was said", onItsWay(10), undefined],
    ["it is there already", onItsWay(50), report({ phase: "preparing", step: 1 })],
    ["it knows of another version", { ...onItsWay(10), run: run(v3, 10) }, report({})],
    ["the version is in force here", { proven: { kind: "ready", served: v2 }, stable: v2 }, report({})],
    ["nothing is in force that could be replaced", { proven: { kind: "ready", served: v2 } }, report({})],
  ])("stays where it is when %s", (_when, track, said) => {
    expect(follow(track, said, NOW)).toEqual({ kind: "unchanged" });
  });
});
