import { expect, test } from "vitest";
import { buildPlugin } from "../../test/build-plugin.js";
import { buildModule, type ModuleSpec, op, PLUGIN_FUNCTIONS } from "../../test/differential/module-builder.js";
import { trimNames } from "../wasm/function-names.js";
import { inspectModule, type ModuleReport } from "./inspect-module.js";

function report(wasm: Uint8Array): ModuleReport {
  const result = inspectModule(wasm);
  if (!result.ok) throw new Error(result.message);
  return result.report;
}

const build = (spec: ModuleSpec): Uint8Array =>
  buildModule({ ...spec, functions: [...PLUGIN_FUNCTIONS, ...(spec.functions ?? [])] });
const [, malloc] = PLUGIN_FUNCTIONS;

test("a plugin of ours has nothing to complain of, and every part is told", async () => {
  const { wasm, manifest } = await buildPlugin("hello");
  const found = report(wasm);
  expect(found).toMatchObject({
    bytes: wasm.length,
    abi: ["0.2.1"],
    usedAbi: "0.2.1",
    hasStartSection: false,
    problems: [],
  });
  expect(found.callbacks).toEqual(manifest.callbacks);
  expect(found.imports.map(({ name }) => name).sort()).toEqual(manifest.capabilities);
  expect(found.entryPoints).toEqual(["_initialize", "malloc"]);
  expect(found.otherExports).toEqual([{ name: "memory", kind: "memory" }]);
  expect(found.memory).toEqual({ isImported: false, initialBytes: 65_536 });
  const header = 8;
  const frames = found.sections.reduce((sum, { bytes }) => sum + 1 + (bytes < 128 ? 1 : 2) + bytes, header);
  expect(frames).toBe(wasm.length);
  expect(found.hasNames).toBe(true);
  expect(found.largest).toHaveLength(10);
  expect(found.largest.map(({ bytes }) => bytes)).toEqual(
    found.largest.map(({ bytes }) => bytes).sort((a, b) => b - a),
  );
  expect(found.largest.map(({ name }) => name)).toContain("index/Config#__weftRead<~@JsonReader>");
});

test("without names there are no largest functions, but a word of warning", async () => {
  const { wasm } = await buildPlugin("hello");
  const found = report(trimNames(wasm, false));
  expect([found.hasNames, found.largest]).toEqual([false, []]);
  expect(found.problems).toEqual([{ severity: "warning", message: expect.stringContaining("no names") }]);
});

test("imports are grouped, and what Envoy has not is told with its types", () => {
  const { imports } = report(
    build({
      imports: [
        { module: "wasi_snapshot_preview1", name: "fd_write", type: "iiii:i" },
        { name: "proxy_log", type: "iii:i" },
        { name: "proxy_get_header_map_value", type: "iii:i" },
        { name: "redis_call", type: "i:" },
      ],
    }),
  );
  expect(imports).toEqual([
    {
      module: "env",
      name: "proxy_get_header_map_value",
      group: "headers and trailers",
      type: "i32 i32 i32 -> i32",
      problem:
        "an import type mismatch: env.proxy_get_header_map_value, want: i32 i32 i32 -> i32, " +
        "but host exports: i32 i32 i32 i32 i32 -> i32",
    },
    { module: "env", name: "proxy_log", group: "log", type: "i32 i32 i32 -> i32" },
    { module: "wasi_snapshot_preview1", name: "fd_write", group: "WASI", type: "i32 i32 i32 i32 -> i32" },
    {
      module: "env",
      name: "redis_call",
      group: "other",
      type: "i32 -> void",
      problem: "a missing import: env.redis_call",
    },
  ]);
});

test.each<[string, Uint8Array, string]>([
  ["no marker", buildModule({ functions: [malloc] }), "no proxy_abi_version_… is exported"],
  [
    "a marker that Envoy does not know",
    buildModule({ functions: [{ name: "proxy_abi_version_0_2_100", type: ":" }, malloc] }),
    "it says 0.2.100",
  ],
  [
    "an old ABI",
    buildModule({ functions: [{ name: "proxy_abi_version_0_1_0", type: ":" }, malloc] }),
    "the module is of ABI 0.1.0",
  ],
  ["an unknown import", build({ imports: [{ name: "nothing", type: ":" }] }), "a missing import: env.nothing"],
  [
    "an import of another type",
    build({ imports: [{ name: "proxy_log", type: "ii:i" }] }),
    "an import type mismatch: env.proxy_log",
  ],
  [
    "a callback of another type",
    build({ functions: [{ name: "proxy_on_tick", type: "ii:" }] }),
    "Bad function signature for: proxy_on_tick",
  ],
  ["no malloc", buildModule({ functions: [PLUGIN_FUNCTIONS[0]] }), "missing malloc"],
  ["a start section", build({ functions: [{ name: "begin", type: ":" }], start: 2 }), "start section"],
])("an error: %s", (_, wasm, message) => {
  const errors = report(wasm).problems.filter(({ severity }) => severity === "error");
  expect(errors).toEqual([{ severity: "error", message: expect.stringContaining(message) }]);
});

test.each<[string, Uint8Array, string]>([
  [
    "what Node cannot compile",
    build({ functions: [{ name: "proxy_on_tick", type: "i:", body: [0xff] }] }),
    "Node does not compile it",
  ],
  ["several ABI markers", build({ functions: [{ name: "proxy_abi_version_0_2_0", type: ":" }] }), "Envoy takes 0.2.1"],
  ["much memory", build({ memoryPages: 1000 }), "65536000 bytes of memory"],
])("a warning: %s", (_, wasm, message) => {
  const { problems } = report(wasm);
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(problems.map((problem) => problem.message).join("\n")).toContain(message);
});

test("all mistakes are told, not only the first", () => {
  const wasm = buildModule({
    imports: [
      { name: "a", type: ":" },
      { name: "b", type: ":" },
    ],
    functions: [{ name: "proxy_on_log", type: ":", body: op.drop.slice(1) }],
  });
  expect(report(wasm).problems.filter(({ severity }) => severity === "error")).toHaveLength(5);
});

test.each<[string, Uint8Array]>([
  ["text", Buffer.from("hello, world")],
  ["nothing", Buffer.of()],
  ["another version", Buffer.from([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0])],
  ["half a module", build({}).subarray(0, 30)],
  ["a section longer than the module", Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 0x80, 0x80, 0x80, 0x80, 8])],
  ["a number without end", Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
])("%s is no module", (_, bytes) => {
  expect(inspectModule(bytes)).toEqual({ ok: false, message: expect.stringContaining("no Wasm module") });
});

test("whatever a module's bytes are changed to, there is an answer", async () => {
  const { wasm } = await buildPlugin("hello");
  let state = 12345;
  for (let i = 0; i < 300; i++) {
    const copy = Uint8Array.from(wasm);
    for (let n = 0; n < 4; n++) {
      state = (state * 1103515245 + 12345) % 2 ** 31;
      copy[8 + (state % (copy.length - 8))] = (state >> 8) & 0xff;
    }
    const result = inspectModule(copy);
    expect(typeof result.ok).toBe("boolean");
  }
});
