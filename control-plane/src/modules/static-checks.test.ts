import { describe, expect, it } from "vitest";
import { I32, I64, moduleWith, SECTION, section, wasm } from "../../../test/wasm-bytes.js";
import { linkProblem } from "./host-functions.js";
import { checkModule } from "./static-checks.js";

/** Node has it; the types of the ES library do not. */
declare const WebAssembly: { validate(bytes: Uint8Array): boolean };

const ABI = "proxy_abi_version_0_2_1";
const LIMIT = 64 * 1024;
const i32 = (count: number) => Array.from({ length: count }, () => I32);
const log = { module: "env", name: "proxy_log", parameters: i32(3), results: [I32] };
const importing = (over: Partial<typeof log>) => moduleWith([ABI], [{ ...log, ...over }]);

describe("checkModule", () => {
  it.each<[string, Uint8Array]>([
    ["a module of ABI 0.2.1", moduleWith([ABI])],
    ["a module of ABI 0.2.0", moduleWith(["proxy_abi_version_0_2_0"])],
    [
      "host functions and WASI",
      moduleWith([ABI], [log, { ...log, module: "wasi_snapshot_preview1", name: "fd_write" }]),
    ],
    ["an i64 where Envoy has one", importing({ name: "proxy_increment_metric", parameters: [I32, I64] })],
    ["two markers, the newer known", moduleWith(["proxy_abi_version_0_1_0", ABI])],
  ])("lets pass %s", (_name, module) => {
    expect(checkModule(module, LIMIT)).toBeUndefined();
    // What passes is a module for Node's V8 as well, so the hand-made modules are real ones.
    expect(WebAssembly.validate(module)).toBe(true);
  });

  it.each<[string, Uint8Array, string, RegExp]>([
    ["too many bytes", new Uint8Array(LIMIT + 1), "ModuleTooLarge", /65537 bytes, more than the limit of 65536/],
    ["no module", new Uint8Array([1, 2, 3]), "NotWasm", /these 3 bytes/],
    ["a start section", wasm(section(SECTION.start, [0])), "StartSection", /--exportStart _initialize/],
    [
      "no ABI marker",
      moduleWith(["proxy_on_request_headers"]),
      "UnknownAbi",
      /exports none of proxy_abi_version_0_2_1/,
    ],
    ["an old ABI", moduleWith(["proxy_abi_version_0_1_0"]), "UnknownAbi", /ABI 0\.1\.0/],
    [
      "a marker that is no function",
      wasm(section(SECTION.export, [1, 23, ...new TextEncoder().encode(ABI), 2, 0])),
      "UnknownAbi",
      /exports none/,
    ],
    [
      "an unknown function",
      importing({ name: "proxy_launch" }),
      "UnknownImport",
      /env\.proxy_launch: Envoy has no such function/,
    ],
    ["an unknown module", importing({ module: "wbg" }), "UnknownImport", /wbg\.proxy_log/],
    [
      "an unknown WASI function",
      importing({ module: "wasi_snapshot_preview1", name: "fork" }),
      "UnknownImport",
      /no such WASI function/,
    ],
    [
      "too few parameters",
      importing({ parameters: i32(2) }),
      "UnknownImport",
      /\(i32,i32\)->\(i32\), Envoy's is \(i32,i32,i32\)->\(i32\)/,
    ],
    ["no result", importing({ results: [] }), "UnknownImport", /\(i32,i32,i32\)->\(\), Envoy's/],
    ["an i64 for an i32", importing({ parameters: [I64, I32, I32] }), "UnknownImport", /\(i64,i32,i32\)/],
    [
      "an i32 for an i64",
      importing({ name: "proxy_record_metric", parameters: i32(2) }),
      "UnknownImport",
      /Envoy's is \(i32,i64\)/,
    ],
  ])("refuses %s", (_name, module, reason, message) => {
    expect(checkModule(module, LIMIT)).toEqual({ reason, message: expect.stringMatching(message) });
  });
});

describe("linkProblem", () => {
  it.each([
    ["a memory under the name of a function", "env", "proxy_log", undefined, /not a function/],
    ["a name of Object", "env", "constructor", "()->(i32)", /no such function/],
    ["another name of Object", "env", "__proto__", "()->(i32)", /no such function/],
  ])("refuses %s", (_name, module, name, signature, message) => {
    expect(linkProblem(module, name, signature)).toMatch(message);
  });

  it.each(["wasi_snapshot_preview1", "wasi_unstable"])("knows WASI as %s", (module) => {
    expect(linkProblem(module, "proc_exit", "(i32)->()")).toBeUndefined();
  });
});
