import { describe, expect, it } from "vitest";
import { mkPlugin, mkServed } from "../../../test/builders.js";
import type { ModuleState } from "../model/module-state.js";
import { acceptedCondition, type ConditionNow, dateConditions } from "./condition.js";
import { objectStatus } from "./object-status.js";
import { type PluginStatusInput, pluginStatus } from "./plugin-status.js";

const NOW = "2026-01-02T00:00:00.000Z";
const BEFORE = "2026-01-01T00:00:00.000Z";
const NONE = { matched: 0, acked: 0, rejected: 0 };
const ALL = { matched: 3, acked: 3, rejected: 0 };
const served = mkServed("retry");
const failure = { stage: "Resolved", reason: "NotFound", message: "no such tag" } as const;

const input = (over: Partial<PluginStatusInput> = {}): PluginStatusInput => ({
  plugin: mkPlugin("retry", { generation: "7" }),
  module: { kind: "ready", served },
  rejected: [],
  proxies: ALL,
  problems: [],
  previous: [],
  now: NOW,
  ...over,
});

/** `Resolved=False NotFound` for each condition. */
const brief = (over: Partial<PluginStatusInput>) =>
  pluginStatus(input(over)).conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);

describe("conditions of a plugin", () => {
  const READY = ["Resolved=True Resolved", "Verified=True Verified", "Validated=True Validated"];
  const PENDING = ["Resolved=Unknown Pending", "Verified=Unknown Pending", "Validated=Unknown Pending"];
  const failed = (stage: "Resolved" | "Verified" | "Validated", lastGood = false): ModuleState => ({
    kind: "failed",
    failure: { ...failure, stage },
    ...(lastGood ? { lastGood: served } : {}),
  });

  it.each<[string, ModuleState | undefined, PluginStatusInput["proxies"], string[]]>([
    ["unknown", undefined, NONE, [...PENDING, "Programmed=False NeverReady", "Degraded=False AsWanted"]],
    [
      "pending",
      { kind: "pending", message: "x" },
      ALL,
      [...PENDING, "Programmed=False NeverReady", "Degraded=False AsWanted"],
    ],
    [
      "pending with a last good",
      { kind: "pending", message: "x", lastGood: served },
      ALL,
      [...PENDING, "Programmed=Unknown Pending", "Degraded=False AsWanted"],
    ],
    [
      "ready without proxies",
      { kind: "ready", served },
      NONE,
      [...READY, "Programmed=False NoProxies", "Degraded=False AsWanted"],
    ],
    [
      "ready on the way",
      { kind: "ready", served },
      { ...ALL, acked: 2 },
      [...READY, "Programmed=False Progressing", "Degraded=False AsWanted"],
    ],
    [
      "ready everywhere",
      { kind: "ready", served },
      ALL,
      [...READY, "Programmed=True Programmed", "Degraded=False AsWanted"],
    ],
    [
      "ready and refused",
      { kind: "ready", served },
      { matched: 3, acked: 2, rejected: 1, lastError: "e" },
      [...READY, "Programmed=False Progressing", "Degraded=True RejectedByProxy"],
    ],
    [
      "not resolved",
      failed("Resolved"),
      NONE,
      [
        "Resolved=False NotFound",
        "Verified=Unknown Pending",
        "Validated=Unknown Pending",
        "Programmed=False NeverReady",
        "Degraded=False AsWanted",
      ],
    ],
    [
      "not verified",
      failed("Verified"),
      NONE,
      [
        "Resolved=True Resolved",
        "Verified=False NotFound",
        "Validated=Unknown Pending",
        "Programmed=False NeverReady",
        "Degraded=False AsWanted",
      ],
    ],
    [
      "not validated",
      failed("Validated"),
      NONE,
      [
        "Resolved=True Resolved",
        "Verified=True Verified",
        "Validated=False NotFound",
        "Programmed=False NeverReady",
        "Degraded=False AsWanted",
      ],
    ],
    [
      "failed with a last good",
      failed("Validated", true),
      ALL,
      [
        "Resolved=True Resolved",
        "Verified=True Verified",
        "Validated=False NotFound",
        "Programmed=True Programmed",
        "Degraded=True LastGoodServed",
      ],
    ],
  ])("%s", (_name, module, proxies, expected) => {
    expect(brief({ module, proxies })).toEqual(["Accepted=True Accepted", ...expected]);
  });

  it("say of which generation they are", () => {
    expect(new Set(pluginStatus(input()).conditions.map((c) => c.observedGeneration))).toEqual(new Set(["7"]));
  });

  it("say what is wrong and when it is tried again", () => {
    const module: ModuleState = { kind: "failed", failure: { ...failure, nextAttempt: BEFORE } };
    const { conditions } = pluginStatus(input({ module }));
    expect(conditions.map(({ message }) => message).slice(1, 4)).toEqual([
      `no such tag; next attempt at ${BEFORE}`,
      "an earlier step failed",
      "an earlier step failed",
    ]);
  });

  it("say of a module that nobody looked at yet no falsehood", () => {
    const messages = pluginStatus(input({ module: undefined })).conditions.map(({ message }) => message);
    expect(messages).not.toContain("an earlier step failed");
  });
});

describe("the status of a plugin", () => {
  const other = mkServed("other", { digest: "sha256:other", wasmSha256: "beef", servedSha256: "feed" });

  it.each<[string, ModuleState | undefined, object]>([
    ["unknown", undefined, {}],
    [
      "ready",
      { kind: "ready", served },
      { digest: served.digest, wasmSha256: served.wasmSha256, servedSha256: served.servedSha256 },
    ],
    ["failed at once", { kind: "failed", failure, digest: "sha256:new" }, { digest: "sha256:new" }],
    [
      "failed with a last good",
      { kind: "failed", failure, digest: "sha256:new", lastGood: other },
      { digest: "sha256:new", wasmSha256: "beef", servedSha256: "feed" },
    ],
    ["failed before its digest was known", { kind: "failed", failure, lastGood: other }, { digest: "sha256:other" }],
  ])("names the wanted digest and the served module: %s", (_name, module, expected) => {
    const { digest, wasmSha256, servedSha256 } = pluginStatus(input({ module }));
    const found = Object.fromEntries(
      Object.entries({ digest, wasmSha256, servedSha256 }).filter(([, value]) => value !== undefined),
    );
    expect(found).toMatchObject(expected);
  });

  it("never has the bytes", () => {
    expect(JSON.stringify(pluginStatus(input()))).not.toContain('"wasm"');
  });

  it("leaves out what there is nothing of", () => {
    expect(Object.keys(pluginStatus(input({ module: undefined })))).toEqual(["conditions", "proxies"]);
  });
});

it.each([
  ["http", "3 of 3 proxies run it"],
  ["network", "3 of 3 proxies run it on new connections; open ones keep what they had"],
] as const)("a plugin of type %s: %s", (type, message) => {
  const plugin = mkPlugin("p", { type });
  const { conditions } = pluginStatus(input({ plugin, module: { kind: "ready", served }, proxies: ALL }));
  expect(conditions.find((condition) => condition.type === "Programmed")).toMatchObject({ message });
});

describe("dateConditions", () => {
  const now = (status: ConditionNow["status"], reason = "R"): ConditionNow => ({
    type: "Accepted",
    status,
    reason,
    message: "m",
    observedGeneration: "1",
  });
  const previous = [{ ...now("True"), lastTransitionTime: BEFORE }];

  it.each([
    ["keeps the time while the status stays", now("True", "Other"), BEFORE],
    ["takes the new time when the status changes", now("False"), NOW],
    ["takes the new time for Unknown too", now("Unknown"), NOW],
    ["dates a new type", { ...now("True"), type: "Verified" }, NOW],
  ])("%s", (_name, condition, expected) => {
    expect(dateConditions(previous, [condition], NOW)).toEqual([{ ...condition, lastTransitionTime: expected }]);
  });

  it("forgets types that are gone", () => {
    expect(dateConditions(previous, [], NOW)).toEqual([]);
  });
});

describe("acceptedCondition", () => {
  const error = { severity: "error", reason: "E", message: "e" } as const;
  const warning = { severity: "warning", reason: "W", message: "w" } as const;
  it.each([
    [[], "True", "Accepted", ""],
    [[warning], "True", "W", "w"],
    [[warning, error], "False", "E", "e"],
    [[error, { ...error, message: "a" }, error], "False", "E", "a; e"],
  ] as const)("of %j is %s %s %j", (problems, status, reason, message) => {
    expect(acceptedCondition(problems, "1")).toMatchObject({ status, reason, message });
  });

  it("is the whole status of objects that are no plugins, with the diagnostics in full", () => {
    const problem = { ...error, hint: "h", object: { kind: "Service", namespace: "default", name: "x" } };
    expect(objectStatus([problem], [], "", NOW)).toMatchObject({
      conditions: [{ type: "Accepted", status: "False", lastTransitionTime: NOW }],
      diagnostics: ["Service default/x: e (E). Fix: h"],
    });
    expect(objectStatus([], [], "", NOW)).not.toHaveProperty("diagnostics");
  });
});
