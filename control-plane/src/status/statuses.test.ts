import { expect, it } from "vitest";
import { mkPlugin, ready } from "../../../test/builders.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { statusKey } from "./document.js";
import { type StatusesInput, statuses } from "./statuses.js";

const NOW = "2026-01-02T00:00:00.000Z";
const service = { kind: "Service", namespace: "default", name: "backend" };
const plugin = { kind: "WasmPlugin", namespace: "default", name: "retry" };
const problem = (over: Partial<Diagnostic>): Diagnostic => ({
  severity: "error",
  reason: "R",
  message: "m",
  hint: "h",
  ...over,
});

const input = (over: Partial<StatusesInput>): StatusesInput => ({
  objects: [],
  diagnostics: [],
  plugins: new Map(),
  modules: new Map(),
  rejected: () => [],
  counts: () => ({ matched: 0, acked: 0, rejected: 0 }),
  rollout: () => undefined,
  previous: new Map(),
  now: NOW,
  ...over,
});

/** `Service default/backend: Accepted=True …` for each document. */
const brief = (over: Partial<StatusesInput>) =>
  statuses(input(over)).map(({ object, status }) => {
    return `${statusKey(object)}: ${status.conditions.map((c) => `${c.type}=${c.status}`).join(" ")}`;
  });

it("has a document for every object in force", () => {
  expect(brief({ objects: [{ ref: service }] })).toEqual(["Service default/backend: Accepted=True"]);
  expect(statuses(input({ objects: [{ ref: service }] }))[0]?.apiVersion).toBe("v1");
});

it("has a document for an object that was refused and never in force", () => {
  expect(brief({ diagnostics: [problem({ object: service })] })).toEqual(["Service default/backend: Accepted=False"]);
});

it("tells the objects of a file that cannot be read any more", () => {
  const objects = [
    { ref: service, file: "a.yaml" },
    { ref: { ...service, name: "other" }, file: "b.yaml" },
  ];
  expect(brief({ objects, diagnostics: [problem({ file: "a.yaml" })] })).toEqual([
    "Service default/backend: Accepted=False",
    "Service default/other: Accepted=True",
  ]);
});

it("says of a plugin all that is known of it", () => {
  const plugins = new Map([["default/retry", mkPlugin("retry")]]);
  const modules = new Map([["default/retry", ready("retry")]]);
  const rejected = (key: string) => (key === "default/retry" ? [{ version: "v0", message: "no" }] : []);
  const counts = (key: string) => ({ matched: key === "default/retry" ? 1 : 9, acked: 1, rejected: 0 });
  const [document] = statuses(input({ objects: [{ ref: plugin }], plugins, modules, rejected, counts }));
  expect(document?.status).toMatchObject({
    rejected: [{ version: "v0", message: "no" }],
    proxies: { matched: 1 },
    lastGood: { resourceVersion: "retry-v1" },
  });
});

it("treats a plugin that was refused and never in force as any other object", () => {
  expect(brief({ diagnostics: [problem({ object: plugin })] })).toEqual(["WasmPlugin default/retry: Accepted=False"]);
});

it("keeps the date of a condition by the object's previous status", () => {
  const lastTransitionTime = "2026-01-01T00:00:00.000Z";
  const condition = { type: "Accepted", status: "True", reason: "", message: "", observedGeneration: "" } as const;
  const previous = new Map([[statusKey(service), [{ ...condition, lastTransitionTime }]]]);
  const [document] = statuses(input({ objects: [{ ref: service }], previous }));
  expect(document?.status).toMatchObject({ conditions: [{ lastTransitionTime }] });
});
