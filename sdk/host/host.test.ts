import { describe, expect, test } from "vitest";
import { buildModule, type ModuleSpec, op, PLUGIN_FUNCTIONS } from "../../test/differential/module-builder.js";
import { HostError, type ViolationKind } from "./errors.js";
import { createHost } from "./host.js";
import type { HostOptions } from "./host-options.js";

const build = (spec: ModuleSpec): Uint8Array =>
  buildModule({ ...spec, functions: [...PLUGIN_FUNCTIONS, ...(spec.functions ?? [])] });
const callback = (name: string, type: string, body: readonly number[]) => ({ name: `proxy_on_${name}`, type, body });
const give = (status: number): number[] => op.i32(status);

function failure(body: () => unknown): HostError {
  try {
    body();
  } catch (error) {
    if (error instanceof HostError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a loop is ended", () => {
  test.each([
    ["_initialize", { name: "_initialize", type: ":", body: op.loop }],
    ["proxy_on_configure", callback("configure", "ii:i", [...op.loop, ...give(1)])],
  ])("in %s", (name, fn) => {
    const error = failure(() => createHost(build({ functions: [fn] }), { limits: { callMs: 50 } }));
    expect(error).toMatchObject({ code: "LOOP", message: expect.stringContaining(`${name} ran longer than 50 ms`) });
  });

  test("in a stream, and the host can be used after it", () => {
    const wasm = build({ functions: [callback("request_headers", "iii:i", [...op.loop, ...give(0)])] });
    const host = createHost(wasm, { limits: { callMs: 50 } });
    for (let i = 0; i < 2; i++) {
      const stream = host.http();
      expect(failure(() => stream.requestHeaders({ ":path": "/" })).code).toBe("LOOP");
    }
  });
});

const MAP = { name: "proxy_get_header_map_value", type: "iiiii:i" };
const DEFINE = { name: "proxy_define_metric", type: "iiii:i" };
const CONTINUE = { name: "proxy_continue_stream", type: "i:i" };
const GRPC = { name: "proxy_grpc_call", type: "iiiiiiiiiiii:i" };
const zeros = (count: number): number[] => Array.from({ length: count }, () => op.i32(0)).flat();

/** One violation each: what the guest does in on_request_headers. */
const VIOLATIONS: [ViolationKind, string, ModuleSpec["imports"], number[]][] = [
  [
    "phase",
    "proxy_get_header_map_value of the response headers",
    [MAP],
    [...op.i32(2), ...zeros(4), ...op.call(0), ...op.drop, ...give(0)],
  ],
  [
    "metric",
    "is defined again in one VM",
    [DEFINE],
    [...zeros(4), ...op.call(0), ...op.drop, ...zeros(4), ...op.call(0), ...op.drop, ...give(0)],
  ],
  [
    "trap",
    "Function: proxy_on_request_headers failed: Uncaught RuntimeError: unreachable",
    [],
    op.unreachable as unknown as number[],
  ],
  ["resume", "Envoy would send it twice", [CONTINUE], [...op.i32(0), ...op.call(0), ...op.drop, ...give(0)]],
  ["crash", "Envoy 1.40 aborts", [GRPC], [...zeros(12), ...op.call(0), ...op.drop, ...give(0)]],
];

describe("a strict host throws, another one records", () => {
  const wasmOf = (imports: ModuleSpec["imports"], body: readonly number[]): Uint8Array =>
    build({ ...(imports === undefined ? {} : { imports }), functions: [callback("request_headers", "iii:i", body)] });

  test.each(VIOLATIONS)("%s: %s", (kind, text, imports, body) => {
    const wasm = wasmOf(imports, body);
    const run = (options: HostOptions) => {
      const host = createHost(wasm, options);
      const stream = host.http();
      const act = () => stream.requestHeaders({ ":path": "/", ":method": "GET" }, { endOfStream: true });
      return { host, act };
    };
    expect(failure(run({}).act)).toMatchObject({ code: "VIOLATION", message: expect.stringContaining(text) });
    for (const strict of [false, ["leak"] as ViolationKind[]]) {
      const { host, act } = run({ strict });
      act();
      expect(host.violations).toContainEqual({ kind, message: expect.stringContaining(text) });
    }
  });

  test("leak: a stream that the plugin holds for ever, and contexts are gone after close", () => {
    const host = createHost(wasmOf([], give(4)));
    host.http().requestHeaders({ ":path": "/" });
    expect(host.contextCount()).toBe(2);
    expect(failure(() => host.close()).message).toContain("is still open: the plugin paused its request");
    expect(host.contextCount()).toBe(0);
  });

  test("length: a body that no longer fits its content-length", async () => {
    const wasm = build({
      imports: [{ name: "proxy_set_buffer_bytes", type: "iiiii:i" }],
      functions: [
        callback("response_body", "iii:i", [...op.i32(1), ...op.i32(0), ...op.i32(99), ...zeros(2), ...op.call(0)]),
      ],
    });
    const host = createHost(wasm, { strict: false });
    const { response } = await host.request({}, () => ({ body: "hello" }));
    expect(response).toBeUndefined();
    expect(host.violations[0]).toMatchObject({ kind: "length", message: expect.stringContaining("5 bytes more") });
  });
});

test("a trap names the callback and the frames; what the plugin logged comes first", () => {
  const wasm = build({
    imports: [{ name: "proxy_log", type: "iii:i" }],
    functions: [
      callback("request_headers", "iii:i", [
        ...op.i32(5),
        ...op.i32(0),
        ...op.i32(1),
        ...op.call(0),
        ...op.drop,
        ...op.unreachable,
      ]),
    ],
  });
  const host = createHost(wasm, { strict: false });
  host.http().requestHeaders({ ":path": "/" });
  const [first, logged, heading, frame] = host.violations[0]?.message.split("\n") ?? [];
  expect(first).toBe("Function: proxy_on_request_headers failed: Uncaught RuntimeError: unreachable");
  expect(logged).toBe("the plugin logged: \0");
  expect(heading).toBe("Proxy-Wasm plugin in-VM backtrace:");
  expect(frame).toMatch(/^ {2}0: {2}0x[0-9a-f]+ - unknown\(function index:3\)$/);
});

test("a start section that calls the host is refused", () => {
  const log = [...zeros(3), ...op.call(0), ...op.drop];
  const wasm = build({
    imports: [{ name: "proxy_log", type: "iii:i" }],
    functions: [{ name: "begin", type: ":", body: log }],
    start: 3,
  });
  expect(failure(() => createHost(wasm))).toMatchObject({
    code: "MODULE",
    message: expect.stringContaining("crashes Envoy"),
  });
});

test("a memory limit is what memory.grow meets", () => {
  const wasm = build({
    functions: [callback("configure", "ii:i", [...op.i32(64), ...op.growMemory, ...op.drop, ...give(1)])],
  });
  expect(createHost(wasm).memoryBytes()).toBe(65 * 65_536);
  expect(createHost(wasm, { limits: { memoryBytes: 10 * 65_536 } }).memoryBytes()).toBe(65_536);
});

test.each([
  ["an unknown plugin", () => createHost(build({})).http({ plugin: "other" }), 'no plugin "other"'],
  ["an unknown worker", () => createHost(build({})).http({ worker: 3 }), "no worker 3"],
  ["a body before headers", () => createHost(build({})).http().requestBody("x"), "send the request headers first"],
  ["plugins of one name", () => createHost(build({}), { plugins: [{}, {}] }), "the same name"],
  ["a reload interval that crashes Envoy", () => createHost(build({}), { reloadIntervalMs: 1 }), "Envoy 1.40 crashes"],
  ["time that goes back", () => createHost(build({})).clock.advance(-1), "can only move forward"],
  ["a call that is not there", () => createHost(build({})).httpCall, "no open call"],
])("a mistake of the test: %s", (_, body, text) => {
  expect(failure(body)).toMatchObject({ code: "USAGE", message: expect.stringContaining(text) });
});

test("ticks come on the main thread and on every worker", () => {
  const wasm = build({
    imports: [
      { name: "proxy_set_tick_period_milliseconds", type: "i:i" },
      { name: "proxy_log", type: "iii:i" },
    ],
    functions: [
      callback("configure", "ii:i", [...op.i32(100), ...op.call(0), ...op.drop, ...give(1)]),
      callback("tick", "i:", [...op.i32(2), ...zeros(2), ...op.call(1), ...op.drop]),
    ],
  });
  const host = createHost(wasm, { workers: 2 });
  host.clock.advance(350);
  const threads = host.allLogs.map(({ thread }) => thread);
  expect(threads.filter((thread) => thread === "main")).toHaveLength(3);
  expect(host.logs.map(({ thread }) => thread).sort()).toEqual([..."000", ..."111"].map((n) => `worker ${n}`));
});
