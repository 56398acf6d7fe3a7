import { limitMemory } from "@weft/sdk/host";
import { beforeAll, describe, expect, it } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";
import { mkServed } from "../../../test/builders.js";
import { buildModule, op, PLUGIN_FUNCTIONS } from "../../../test/differential/module-builder.js";
import type { ServedPlugin } from "../model/module-state.js";
import { tryInHost } from "./host-trial.js";

/** Long enough for whatever ends by itself, on a machine that is busy. */
const LONG = { timeMs: 100_000, callMs: 50_000 };
const SHORT = { timeMs: 100_000, callMs: 100 };

const run = (over: Partial<ServedPlugin>, attempt = 0, limits = [LONG, LONG] as const) =>
  tryInHost("default/p", mkServed("p", over), attempt, limits);
const withCallback = (name: string, type: string, body: readonly number[]) =>
  buildModule({ functions: [...PLUGIN_FUNCTIONS, { name, type, body }] });

let hello: Uint8Array;
beforeAll(async () => {
  hello = (await buildPlugin("hello")).wasm;
});

describe("a plugin that works", () => {
  it("has no problem", async () => {
    expect(await run({ wasm: hello, rootId: "hello" })).toEqual({});
    expect(await run({ wasm: hello, rootId: "hello", config: '{"name":"x"}' })).toEqual({});
  });

  it("fails where it may not call what it needs", async () => {
    const capabilities = ["proxy_log", "proxy_on_configure"];
    expect(await run({ wasm: hello, rootId: "hello", capabilities })).toMatchObject({ problem: expect.anything() });
  });
});

describe("a plugin is refused", () => {
  it("that does not take its configuration, in its own words", async () => {
    const { problem } = await run({ wasm: hello, rootId: "hello", config: '{"nme":1}' });
    expect(problem).toEqual({ reason: "ConfigureFailed", message: expect.stringContaining("nme") });
    expect(problem?.message).not.toMatch(/backtrace|0x[0-9a-f]{3}/);
  });

  it.each<[string, Uint8Array, string]>([
    ["that traps when it is loaded", withCallback("_initialize", ":", op.unreachable), "InitializeFailed"],
    ["that does not start", withCallback("proxy_on_vm_start", "ii:i", op.i32(0)), "StartFailed"],
    ["that traps when it is configured", withCallback("proxy_on_configure", "ii:i", op.unreachable), "ConfigureFailed"],
    ["that traps on a request", withCallback("proxy_on_request_headers", "iii:i", op.unreachable), "StreamFailed"],
    ["that is none", Buffer.from("nothing"), "InvalidModule"],
  ])("%s", async (_name, wasm, reason) => {
    const { problem } = await run({ wasm });
    expect(problem).toEqual({ reason, message: expect.stringMatching(/\S/) });
  });

  it("that wants more memory than it may have", async () => {
    // It grows its memory by 1,000 pages and traps where it does not get them.
    const grow = [...op.i32(1000), ...op.growMemory, 0x41, 0x7f, 0x46, 0x04, 0x40, 0x00, 0x0b, ...op.i32(1)];
    const wasm = withCallback("proxy_on_configure", "ii:i", grow);
    const memoryBytes = 4 * 1024 * 1024;
    expect(await run({ wasm, memoryBytes: 128 * 1024 * 1024 })).toEqual({});
    expect(await run({ wasm: limitMemory(wasm, memoryBytes), memoryBytes })).toMatchObject({
      problem: { reason: "ConfigureFailed" },
    });
  });

  it("that loops: after the second try", async () => {
    const wasm = withCallback("proxy_on_configure", "ii:i", [...op.loop, ...op.i32(1)]);
    const first = await run({ wasm }, 0, [SHORT, SHORT]);
    expect(first.problem).toEqual({
      reason: "PreflightTimeout",
      message: expect.stringContaining("once more"),
      transient: true,
    });
    const second = await run({ wasm }, 1, [SHORT, SHORT]);
    expect(second.problem).toEqual({ reason: "PreflightTimeout", message: expect.stringContaining("twice") });
  });

  it("whose log has no end, with little of it", async () => {
    const log = { name: "proxy_log", type: "iii:i" };
    const forever = [
      0x03,
      0x40,
      ...op.i32(4),
      ...op.i32(0),
      ...op.i32(1000),
      ...op.call(0),
      0x1a,
      0x0c,
      0x00,
      0x0b,
      0x00,
    ];
    const functions = [...PLUGIN_FUNCTIONS, { name: "proxy_on_configure", type: "ii:i", body: forever }];
    const wasm = buildModule({ imports: [log], functions });
    const { problem } = await run({ wasm }, 1, [SHORT, SHORT]);
    expect(problem?.message.length).toBeLessThan(1_600);
  });
});

it("what Node cannot compile is neither good nor bad", async () => {
  const wasm = withCallback("proxy_on_tick", "i:", [0xff]);
  expect(await run({ wasm })).toEqual({ unproven: expect.stringContaining("Node's engine") });
});
