import { expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { mkPlugin, mkServed, ready } from "../../../test/builders.js";
import type { ModuleState } from "../model/module-state.js";
import type { RolloutReport } from "../model/rollout.js";
import { pluginStatus } from "./plugin-status.js";
import { rememberedRollouts } from "./remembered-rollout.js";

const { wasm: _, ...candidate } = mkServed("p", { version: "p-v2", digest: "sha256:new", wasmSha256: "beef" });
const report: RolloutReport = {
  state: "Progressing",
  phase: "observing",
  step: 1,
  steps: 2,
  weight: 10,
  limit: 37,
  since: "2026-01-01T00:00:00.000Z",
  message: "well so far",
  version: "p-v2",
  digest: "sha256:new",
  proxies: { candidate: 1, stable: 3 },
  candidate,
};
const { candidate: _candidate, proxies: _proxies, ...ended } = { ...report, state: "RolledBack" as const };

const statusOf = (rollout: RolloutReport | undefined, module: ModuleState = ready("p")) =>
  pluginStatus({
    plugin: mkPlugin("p"),
    module,
    rejected: [],
    proxies: { matched: 4, acked: 4, rejected: 0 },
    problems: [],
    previous: [],
    now: "2026-01-02T00:00:00.000Z",
    ...(rollout === undefined ? {} : { rollout }),
  });
const stored = (rollout: unknown) => [
  { object: { kind: "WasmPlugin", namespace: "default", name: "p" }, status: { rollout } },
];
/** What the next run of the control plane reads of what this one writes. */
const throughFile = (rollout: RolloutReport) =>
  rememberedRollouts(stored((parse(stringify(statusOf(rollout))) as { rollout: unknown }).rollout)).get("default/p");

it.each([
  ["that goes on", report],
  ["that is paused", { ...report, state: "Paused" as const }],
  ["that has ended", ended],
])("a rollout %s is remembered as it was", (_name, given) => {
  expect(throughFile(given)).toEqual(given);
});

it("is written without bytes", () => {
  const { wasm } = mkServed("p");
  expect(wasm).toBeDefined();
  const rollout = { ...report, candidate: { ...candidate, wasm: wasm as Uint8Array } };
  expect(throughFile(rollout)).toEqual(report);
});

it.each<[string, unknown]>([
  ["nothing", undefined],
  ["no object", "step 1"],
  ["an unknown state", { ...ended, state: "Sideways" }],
  ["an unknown phase", { ...ended, phase: "dreaming" }],
  ["a step below one", { ...ended, step: 0 }],
  ["a limit above all", { ...ended, limit: 101 }],
  ["no time", { ...ended, since: undefined }],
  ["no version to go on with", { ...ended, state: "Progressing" }],
  ["half a version", { ...ended, state: "Paused", candidate: { digest: "sha256:new" } }],
])("%s is not remembered", (_name, rollout) => {
  expect(rememberedRollouts(stored(rollout)).size).toBe(0);
});

const condition = (type: string, rollout: RolloutReport, module?: ModuleState) => {
  const found = statusOf(rollout, module).conditions.find((c) => c.type === type);
  return `${found?.status} ${found?.reason}: ${found?.message}`;
};

it("while it goes on the plugin is not as it is wanted yet, and the condition says why", () => {
  expect(condition("Programmed", report)).toBe(
    "False RollingOut: step 1 of 2 (weight 10): 1 proxies run the new version, 3 the one in force; well so far",
  );
  expect(condition("Programmed", { ...report, state: "Paused" })).toMatch(/^False RolloutPaused: /);
  expect(condition("Programmed", { ...ended, state: "Completed" })).toMatch(/^True Programmed: /);
});

it("after it went back the plugin is degraded, as long as that version is wanted", () => {
  const module = (digest: string): ModuleState => ({
    kind: "failed",
    failure: { stage: "Validated", reason: "RejectedByProxy", message: "x" },
    digest,
    lastGood: mkServed("p", { digest: "sha256:old" }),
  });
  const back = { ...ended, message: "rolled back at step 1: 5xx" };
  expect(condition("Degraded", back, module("sha256:new"))).toBe(
    "True RolledBack: rolled back at step 1: 5xx; sha256:old is in force",
  );
  expect(condition("Degraded", { ...back, state: "Aborted" }, module("sha256:new"))).toMatch(/^True Aborted: /);
  expect(condition("Degraded", back, module("sha256:newer"))).toMatch(/^True LastGoodServed: /);
  expect(condition("Degraded", back)).toMatch(/^False AsWanted: /);
});

it("the wanted digest is that of the version on its way, the last good one that in force", () => {
  const module: ModuleState = { ...ready("p"), rollout: { candidate, limit: 37 } };
  expect(statusOf(report, module)).toMatchObject({
    digest: "sha256:new",
    wasmSha256: mkServed("p").wasmSha256,
    lastGood: { resourceVersion: "p-v1" },
    rollout: { candidate: { resourceVersion: "p-v2" } },
  });
});
