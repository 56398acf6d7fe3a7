import { buildModule, type ModuleSpec, op, PLUGIN_FUNCTIONS } from "./module-builder.js";

/** A module that does not load, or does. */
export interface LoadCase {
  name: string;
  wasm: Uint8Array;
  /** The host's error; undefined where both take the module. */
  code?: "MODULE" | "COMPILE" | "INITIALIZE" | "START" | "CONFIGURE";
  /** What Envoy's log says; what the module itself did is in the host's message or its violations too. */
  text?: string;
}

const LOG = { name: "proxy_log", type: "iii:i" };
const DEFINE = { name: "proxy_define_metric", type: "iiii:i" };
const SEED = { name: "seed", type: ":" };

const plugin = (spec: ModuleSpec): Uint8Array =>
  buildModule({ ...spec, functions: [...PLUGIN_FUNCTIONS, ...(spec.functions ?? [])] });
const log = [...op.i32(2), ...op.i32(0), ...op.i32(0), ...op.call(0), ...op.drop];
const define = [...op.i32(0), ...op.i32(0), ...op.i32(0), ...op.i32(0), ...op.call(0), ...op.drop];
const read = [...op.i32(7), ...op.i32(0), ...op.i32(99), ...op.i32(64), ...op.i32(68), ...op.call(0), ...op.drop];

export const LOAD_CASES: readonly LoadCase[] = [
  { name: "a module that does nothing", wasm: plugin({}) },
  {
    name: "ABI 0.2.0",
    wasm: buildModule({ functions: [{ name: "proxy_abi_version_0_2_0", type: ":" }, PLUGIN_FUNCTIONS[1]] }),
  },
  {
    name: "no marker of an ABI",
    wasm: buildModule({ functions: [PLUGIN_FUNCTIONS[1]] }),
    code: "MODULE",
    text: "Missing or unknown Proxy-Wasm ABI version",
  },
  {
    name: "an ABI that nobody knows",
    wasm: buildModule({ functions: [{ name: "proxy_abi_version_0_2_100", type: ":" }, PLUGIN_FUNCTIONS[1]] }),
    code: "MODULE",
    text: "Missing or unknown Proxy-Wasm ABI version",
  },
  {
    name: "no module at all",
    wasm: Buffer.from("this is no module"),
    code: "MODULE",
    text: "Failed to parse corrupted Wasm module",
  },
  {
    name: "no malloc",
    wasm: buildModule({ functions: [PLUGIN_FUNCTIONS[0]] }),
    code: "MODULE",
    text: "Wasm module is missing malloc function.",
  },
  {
    name: "proxy_on_memory_allocate in malloc's stead",
    wasm: buildModule({
      functions: [PLUGIN_FUNCTIONS[0], { name: "proxy_on_memory_allocate", type: "i:i", body: op.i32(1024) }],
    }),
  },
  {
    name: "an import that Envoy lacks",
    wasm: plugin({ imports: [SEED] }),
    code: "MODULE",
    text: "Failed to load Wasm module due to a missing import: env.seed",
  },
  {
    name: "clear_route_cache of ABI 0.1.0",
    wasm: plugin({ imports: [{ name: "proxy_clear_route_cache", type: ":i" }] }),
    code: "MODULE",
    text: "Failed to load Wasm module due to a missing import: env.proxy_clear_route_cache",
  },
  {
    name: "get_log_level in ABI 0.2.0",
    wasm: buildModule({
      imports: [{ name: "proxy_get_log_level", type: "i:i" }],
      functions: [{ name: "proxy_abi_version_0_2_0", type: ":" }, PLUGIN_FUNCTIONS[1]],
    }),
    code: "MODULE",
    text: "Failed to load Wasm module due to a missing import: env.proxy_get_log_level",
  },
  {
    name: "an import with another type",
    wasm: plugin({ imports: [{ name: "proxy_log", type: "ii:i" }] }),
    code: "MODULE",
    text: "import type mismatch: env.proxy_log, want: i32 i32 -> i32, but host exports: i32 i32 i32 -> i32",
  },
  {
    name: "an import without result",
    wasm: plugin({ imports: [{ name: "proxy_done", type: ":" }] }),
    code: "MODULE",
    text: "import type mismatch: env.proxy_done, want: void -> void, but host exports: void -> i32",
  },
  {
    name: "a callback with another type",
    wasm: plugin({ functions: [{ name: "proxy_on_request_headers", type: "ii:i", body: op.i32(0) }] }),
    code: "MODULE",
    text: "Bad function signature for: proxy_on_request_headers, want: i32 i32 i32 -> i32, but the module exports: i32 i32 -> i32",
  },
  {
    name: "a callback that Envoy does not know",
    wasm: plugin({ functions: [{ name: "proxy_on_something", type: "i:", body: [] }] }),
  },
  {
    name: "logging in _initialize",
    wasm: plugin({ imports: [LOG], functions: [{ name: "_initialize", type: ":", body: log }] }),
  },
  {
    name: "a metric in _initialize",
    wasm: plugin({ imports: [DEFINE], functions: [{ name: "_initialize", type: ":", body: define }] }),
    code: "INITIALIZE",
    text: "Function: _initialize failed: Uncaught Error: restricted_callback",
  },
  {
    name: "a metric in _start",
    wasm: plugin({ imports: [DEFINE], functions: [{ name: "_start", type: ":", body: define }] }),
    code: "INITIALIZE",
    text: "Function: _start failed: Uncaught Error: restricted_callback",
  },
  {
    name: "a metric in main",
    wasm: plugin({
      imports: [DEFINE],
      functions: [
        { name: "_initialize", type: ":" },
        { name: "main", type: "ii:i", body: [...define, ...op.i32(0)] },
      ],
    }),
    code: "INITIALIZE",
    text: "Function: main failed: Uncaught Error: restricted_callback",
  },
  {
    name: "a trap in _initialize",
    wasm: plugin({ functions: [{ name: "_initialize", type: ":", body: op.unreachable }] }),
    code: "INITIALIZE",
    text: "Function: _initialize failed: Uncaught RuntimeError: unreachable",
  },
  {
    name: "malloc that calls the host",
    wasm: buildModule({
      imports: [
        { name: "proxy_get_buffer_bytes", type: "iiiii:i" },
        { name: "proxy_done", type: ":i" },
      ],
      functions: [
        PLUGIN_FUNCTIONS[0],
        { name: "malloc", type: "i:i", body: [...op.call(1), ...op.drop, ...op.i32(1024)] },
        { name: "proxy_on_configure", type: "ii:i", body: [...read, ...op.i32(1)] },
      ],
    }),
    text: "Function: malloc failed: Uncaught Error: restricted_callback",
  },
  {
    name: "a start section that only computes",
    wasm: plugin({ functions: [{ name: "begin", type: ":", body: [] }], start: 2 }),
  },
  {
    name: "vm_start that refuses",
    wasm: plugin({ functions: [{ name: "proxy_on_vm_start", type: "ii:i", body: op.i32(0) }] }),
    code: "START",
    text: "Failed to start base Wasm",
  },
  {
    name: "configure that refuses",
    wasm: plugin({ functions: [{ name: "proxy_on_configure", type: "ii:i", body: op.i32(0) }] }),
    code: "CONFIGURE",
    text: "Failed to configure base Wasm plugin",
  },
  {
    name: "configure that traps",
    wasm: plugin({ functions: [{ name: "proxy_on_configure", type: "ii:i", body: op.unreachable }] }),
    code: "CONFIGURE",
    text: "Function: proxy_on_configure failed: Uncaught RuntimeError: unreachable",
  },
];
