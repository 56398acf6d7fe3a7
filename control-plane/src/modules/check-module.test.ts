import { describe, expect, it } from "vitest";
import { buildModule, op, PLUGIN_FUNCTIONS } from "../../../test/differential/module-builder.js";
import {
  functionType,
  HEADER,
  I32,
  I64,
  leb,
  list,
  moduleWith,
  SECTION,
  section,
  text,
  wasm,
} from "../../../test/wasm-bytes.js";
import { checkModule } from "./check-module.js";

/** Node has it; the types of the ES library do not. */
declare const WebAssembly: { validate(bytes: Uint8Array): boolean };

const ABI = "proxy_abi_version_0_2_1";
const LIMIT = 64 * 1024;
const [, MALLOC] = PLUGIN_FUNCTIONS;
const log = { module: "env", name: "proxy_log", type: "iii:i" };
type Import = typeof log;
const marked = (...markers: string[]) =>
  buildModule({ functions: [MALLOC, ...markers.map((name) => ({ name, type: ":" }))] });
const importing = (...imports: Partial<Import>[]) =>
  buildModule({ imports: imports.map((over) => ({ ...log, ...over })), functions: PLUGIN_FUNCTIONS });
const check = (module: Uint8Array) => {
  const result = checkModule(module, LIMIT);
  return result.ok ? undefined : result.problem;
};

describe("a module passes", () => {
  it.each<[string, Uint8Array]>([
    ["of ABI 0.2.1", marked(ABI)],
    ["of ABI 0.2.0", marked("proxy_abi_version_0_2_0")],
    ["with two markers, the newer known", marked("proxy_abi_version_0_1_0", ABI)],
    [
      "with host functions and WASI",
      importing({}, { module: "wasi_snapshot_preview1", name: "fd_write", type: "iiii:i" }),
    ],
    ["with WASI by its old name", importing({ module: "wasi_unstable", name: "proc_exit", type: "i:" })],
    ["with an i64 where Envoy has one", importing({ name: "proxy_increment_metric", type: "iI:i" })],
    [
      "with callbacks of the right type",
      buildModule({ functions: [...PLUGIN_FUNCTIONS, { name: "proxy_on_log", type: "i:" }] }),
    ],
  ])("%s", (_name, module) => {
    expect(check(module)).toBeUndefined();
    // What passes is a module for Node's V8 as well, so the hand-made modules are real ones.
    expect(WebAssembly.validate(module)).toBe(true);
  });

  it("and is described", () => {
    const result = checkModule(importing({}), LIMIT);
    expect(result).toMatchObject({ ok: true, abi: "0.2.1", description: { imports: [{ name: "proxy_log" }] } });
  });
});

describe("a module is refused", () => {
  it.each<[string, Uint8Array, string, RegExp]>([
    ["with too many bytes", new Uint8Array(LIMIT + 1), "ModuleTooLarge", /65537 bytes, more than limits.maxModuleSize/],
    ["that is none", new Uint8Array([1, 2, 3]), "NotWasm", /these 3 bytes/],
    ["with a start section", wasm(section(SECTION.start, [0])), "StartSection", /--exportStart _initialize/],
    ["without an ABI marker", marked("proxy_on_done_"), "UnknownAbi", /exports none of proxy_abi_version_0_2_1/],
    ["of an old ABI", marked("proxy_abi_version_0_1_0"), "UnknownAbi", /ABI 0\.1\.0/],
    [
      "with a marker that is no function",
      wasm(section(SECTION.export, [1, 23, ...new TextEncoder().encode(ABI), 2, 0])),
      "UnknownAbi",
      /exports none/,
    ],
    [
      "with an unknown function",
      importing({ name: "proxy_launch" }),
      "UnknownImport",
      /missing import: env\.proxy_launch/,
    ],
    ["with a name of Object", importing({ name: "constructor" }), "UnknownImport", /env\.constructor/],
    ["with another name of Object", importing({ name: "__proto__" }), "UnknownImport", /env\.__proto__/],
    ["with an unknown import module", importing({ module: "wbg" }), "UnknownImport", /wbg\.proxy_log/],
    [
      "with an unknown WASI function",
      importing({ module: "wasi_snapshot_preview1", name: "fork" }),
      "UnknownImport",
      /missing import: wasi_snapshot_preview1\.fork/,
    ],
    [
      "with too few parameters",
      importing({ type: "ii:i" }),
      "UnknownImport",
      /want: i32 i32 -> i32.*exports: i32 i32 i32 -> i32/,
    ],
    ["with no result", importing({ type: "iii:" }), "UnknownImport", /want: i32 i32 i32 -> void/],
    ["with an i64 for an i32", importing({ type: "Iii:i" }), "UnknownImport", /want: i64 i32 i32/],
    [
      "with an i32 for an i64",
      importing({ name: "proxy_record_metric", type: "ii:i" }),
      "UnknownImport",
      /exports: i32 i64/,
    ],
    ["without malloc", moduleWith([ABI]), "BadExport", /missing malloc/],
    [
      "with a callback of another type",
      buildModule({ functions: [...PLUGIN_FUNCTIONS, { name: "proxy_on_log", type: "i:i", body: op.i32(1) }] }),
      "BadExport",
      /proxy_on_log/,
    ],
  ])("%s", (_name, module, reason, message) => {
    expect(check(module)).toEqual({ reason, message: expect.stringMatching(message) });
  });
});

const imported = (name: string, ...kind: number[]) => [...text("env"), ...text(name), ...kind];

describe("bytes that are no module", () => {
  const HUGE = [0xff, 0xff, 0xff, 0xff, 0x0f];
  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["a text", new TextEncoder().encode("not a module")],
    ["the magic alone", new Uint8Array(HEADER.slice(0, 4))],
    ["another version", new Uint8Array([...HEADER.slice(0, 4), 2, 0, 0, 0])],
    ["a component", new Uint8Array([...HEADER.slice(0, 4), 0x0d, 0, 1, 0])],
    ["a section without length", wasm([SECTION.type])],
    ["a section beyond the end", wasm([SECTION.type, 5, 1])],
    ["a section of four gigabytes", wasm([SECTION.custom, ...HUGE])],
    ["a number of more than five bytes", wasm([SECTION.custom, 0x80, 0x80, 0x80, 0x80, 0x80, 0])],
    ["a number that does not end", wasm([SECTION.custom, 0x80])],
    ["a list of four billion", wasm(section(SECTION.import, HUGE))],
    ["a list that ends too early", wasm(section(SECTION.import, [2, ...imported("a", 2, 0, 1)]))],
    ["a name beyond its section", wasm(section(SECTION.export, [1, 50, 0x61]))],
    ["a type with unknown values", wasm(section(SECTION.type, list([0x60, 1, 0x11, 0])))],
  ])("%s", (_name, bytes) => {
    expect(check(bytes)?.reason).toBe("NotWasm");
  });

  it("are a module cut anywhere but between two of its sections", () => {
    const module = moduleWith([ABI], [{ module: "env", name: "f", parameters: [I32, I64], results: [] }]);
    const sizes = Array.from({ length: module.length }, (_, size) => size);
    const readable = sizes.filter((size) => check(module.subarray(0, size))?.reason !== "NotWasm");
    expect(readable).toHaveLength(5);
  });

  it("never take more than their own size to read, whatever they say", () => {
    for (let seed = 1; seed < 2_000; seed++) {
      let state = seed;
      const noise = Array.from({ length: 40 }, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state >>> 24;
      });
      const result = checkModule(wasm([(seed % 3) * 3 + 1, 40, ...noise]), LIMIT);
      expect(result.ok).toBe(false);
    }
  });

  it("are not those with sections that do not matter, and lengths that are written longer than they need", () => {
    const types = section(SECTION.type, list(functionType([], [])));
    const padded = [SECTION.custom, 0x82, 0x80, 0x80, 0x80, 0, 1, 0x61];
    expect(check(wasm(padded, types, section(SECTION.custom, [...leb(1), 0x62])))?.reason).toBe("UnknownAbi");
  });
});
