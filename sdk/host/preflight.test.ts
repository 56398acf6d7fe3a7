import { type PreflightOptions, preflight } from "@weft/sdk/host";
import { expect, test } from "vitest";
import { buildPlugin } from "../../test/build-plugin.js";
import { buildModule, type ModuleSpec, op, PLUGIN_FUNCTIONS } from "../../test/differential/module-builder.js";

const build = (spec: ModuleSpec): Uint8Array =>
  buildModule({ ...spec, functions: [...PLUGIN_FUNCTIONS, ...(spec.functions ?? [])] });
const withCallback = (name: string, type: string, body: readonly number[]): Uint8Array =>
  build({ functions: [{ name, type, body }] });

test.each<[string, Omit<PreflightOptions, "wasm">]>([
  ["hello", { config: {} }],
  ["rate-limit", { config: { limits: [{ name: "all", requests: 1 }] } }],
])("%s passes", async (name, options) => {
  const { wasm } = await buildPlugin(name);
  expect(await preflight({ wasm, rootId: name, ...options })).toMatchObject({ ok: true });
});

test("a configuration that the plugin refuses, and what it says of it", async () => {
  const { wasm } = await buildPlugin("hello");
  const result = await preflight({ wasm, rootId: "hello", config: { nam: 1 } });
  expect(result).toMatchObject({ ok: false, stage: "configure" });
  expect(result.logs.map(({ message }) => message).join()).toContain('field "nam" is unknown');
});

const start = build({ functions: [{ name: "begin", type: ":" }], start: 2 });

test.each<[string, string, Uint8Array, Omit<PreflightOptions, "wasm">]>([
  ["no module", "module", Buffer.from("nothing"), {}],
  ["a start section", "module", start, {}],
  ["a module that is too large", "module", build({}), { limits: { moduleBytes: 10 } }],
  ["more memory than is allowed", "module", build({ memoryPages: 100 }), { limits: { memoryBytes: 65_536 } }],
  ["what Node cannot compile", "unknown", withCallback("proxy_on_tick", "i:", [0xff]), {}],
  ["a trap in _initialize", "initialize", withCallback("_initialize", ":", op.unreachable), {}],
  ["vm_start that refuses", "start", withCallback("proxy_on_vm_start", "ii:i", op.i32(0)), {}],
  ["a trap in configure", "configure", withCallback("proxy_on_configure", "ii:i", op.unreachable), {}],
  ["a trap in a stream", "stream", withCallback("proxy_on_response_headers", "iii:i", op.unreachable), {}],
  ["a loop in a stream", "time", withCallback("proxy_on_log", "i:", op.loop), { limits: { callMs: 50 } }],
  ["a loop that no call limit ends", "time", withCallback("proxy_on_log", "i:", op.loop), { limits: { timeMs: 1500 } }],
])("%s: stage %s", async (_, stage, wasm, options) => {
  const result = await preflight({ wasm, ...options });
  expect(result).toMatchObject({ ok: false, stage, message: expect.stringMatching(/./) });
});
