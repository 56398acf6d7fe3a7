import { expect, test } from "vitest";
import { decodePluginManifest } from "./plugin-manifest.js";

test("a manifest with all its fields, and some of a newer version", () => {
  const result = decodePluginManifest(`
name: canary
version: 0.2.0
description: anything
rootId: canary
abi: 0.2.1
side: client
phase: stats
stateVersion: 3
requires: [subsetRoutes]
metrics:
- {name: picks_total, type: counter, labels: {subset: "%FILTER_STATE(wasm.weft.subset:PLAIN)%"}, newer: 1}
capabilities: [proxy_log]
callbacks: [proxy_on_request_headers]
configSchema: {type: object, properties: {header: {type: string}}}
sdk: {name: "@weft/sdk", version: 0.1.0}
newer: {any: thing}
`);
  expect(result).toEqual({
    ok: true,
    manifest: {
      name: "canary",
      version: "0.2.0",
      rootId: "canary",
      side: "client",
      phase: "stats",
      stateVersion: "3",
      requires: ["subsetRoutes"],
      metrics: [{ name: "picks_total", type: "counter", labels: { subset: "%FILTER_STATE(wasm.weft.subset:PLAIN)%" } }],
      configSchema: { type: "object", properties: { header: { type: "string" } } },
      builtWithSdk: true,
    },
  });
});

test("a manifest with what is needed alone", () => {
  expect(decodePluginManifest("{name: a, rootId: b}")).toEqual({
    ok: true,
    manifest: {
      name: "a",
      version: "",
      rootId: "b",
      side: "both",
      phase: "default",
      stateVersion: "1",
      requires: [],
      metrics: [],
      builtWithSdk: false,
    },
  });
});

test.each([
  ["", "WrongType"],
  ["[]", "WrongType"],
  ["{rootId: a}", "name: is missing"],
  ["{name: a}", "rootId: is missing"],
  ["{name: 5, rootId: a}", "name: is the number 5"],
  ["{name: a, rootId: b, side: server-side}", "side"],
  ["{name: a, rootId: b, phase: AUTHN}", "did you mean authn?"],
  ["{name: a, rootId: b, stateVersion: 1.5}", "stateVersion"],
  ["{name: a, rootId: b, stateVersion: a/b}", "stateVersion"],
  ["{name: a, rootId: b, requires: [subsetRoute]}", "did you mean subsetRoutes?"],
  ["{name: a, rootId: b, requires: [newThing]}", "requires[0]"],
  ["{name: a, rootId: b, metrics: [{name: c}]}", "metrics[0].type"],
  ["{name: a, rootId: b, metrics: [{name: c, type: counter, countedBy: plugin, failure: true}]}", "_failures_total"],
  ["{name: a, rootId: b, abi: 0.1.0}", "abi"],
  ["{name: a, rootId: b, configSchema: true}", "configSchema"],
  ["{name: a, rootId: b", "plugin.yaml"],
  ["{name: a, name: b, rootId: c}", "unique"],
  ["a: &x 1\nname: *x", "plugin.yaml"],
  [`name: ${"x".repeat(300_000)}`, "bytes"],
])("%j is refused", (text, part) => {
  const result = decodePluginManifest(text);
  expect(result.ok ? [] : result.messages.join("\n")).toContain(part);
});
