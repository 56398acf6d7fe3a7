import { describe, expect, it } from "vitest";
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
import { readWasmBinary } from "./wasm-binary.js";

const imported = (name: string, ...kind: number[]) => [...text("env"), ...text(name), ...kind];

describe("a well-formed module", () => {
  it("has nothing when it is empty", () => {
    expect(readWasmBinary(wasm())).toEqual({ hasStart: false, imports: [], exports: new Set() });
  });

  it("has imports of every kind, functions with their types", () => {
    const module = wasm(
      section(SECTION.type, list(functionType([], []), functionType([I32, I64], [I32]))),
      section(
        SECTION.import,
        list(
          imported("plain", 0, 0),
          imported("typed", 0, 1),
          imported("table", 1, 0x70, 0, 1),
          imported("bounded-table", 1, 0x70, 1, 1, 2),
          imported("memory", 2, 0, ...leb(300)),
          imported("bounded-memory", 2, 1, 1, ...leb(65536)),
          imported("global", 3, I32, 1),
          imported("last", 0, 0),
        ),
      ),
    );
    expect(readWasmBinary(module)?.imports).toEqual([
      { module: "env", name: "plain", signature: "()->()" },
      { module: "env", name: "typed", signature: "(i32,i64)->(i32)" },
      ...["table", "bounded-table", "memory", "bounded-memory", "global"].map((name) => ({ module: "env", name })),
      { module: "env", name: "last", signature: "()->()" },
    ]);
  });

  it("has the functions that it exports, and not what else it exports", () => {
    const module = wasm(
      section(SECTION.export, list([...text("run"), 0, 0], [...text("memory"), 2, 0], [...text("größe"), 0, 1])),
    );
    expect(readWasmBinary(module)?.exports).toEqual(new Set(["run", "größe"]));
  });

  it("has a start section or not", () => {
    expect(readWasmBinary(wasm(section(SECTION.start, [0])))?.hasStart).toBe(true);
    expect(readWasmBinary(wasm(section(SECTION.custom, [...text("start"), SECTION.start])))?.hasStart).toBe(false);
  });

  it("has sections that do not matter, and lengths that are written longer than they need", () => {
    const long = [SECTION.export, 0x86, 0x80, 0x80, 0x80, 0, 1, ...text("a"), 0, 0];
    expect(readWasmBinary(wasm([0, 2, 1, 0x78], [...long.slice(0, 6), ...long.slice(6), 0]))?.exports).toEqual(
      new Set(["a"]),
    );
  });

  it("is read as V8 reads it", () => {
    const module = moduleWith(["a", "b"], [{ module: "env", name: "f", parameters: [I32], results: [I32] }]);
    expect(readWasmBinary(module)).toEqual({
      hasStart: false,
      imports: [{ module: "env", name: "f", signature: "(i32)->(i32)" }],
      exports: new Set(["a", "b"]),
    });
  });
});

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
    ["a type that is no function's", wasm(section(SECTION.type, list([0x5f, 0])))],
    ["an import of a type that is not there", wasm(section(SECTION.import, list(imported("a", 0, 3))))],
    ["an import of an unknown kind", wasm(section(SECTION.import, list(imported("a", 9, 0))))],
  ])("%s", (_name, bytes) => {
    expect(readWasmBinary(bytes)).toBeUndefined();
  });

  it("are a module cut anywhere", () => {
    const module = moduleWith(
      ["proxy_abi_version_0_2_1"],
      [{ module: "env", name: "f", parameters: [I32], results: [] }],
    );
    const sizes = Array.from({ length: module.length }, (_, size) => size);
    const readable = sizes.filter((size) => readWasmBinary(module.subarray(0, size)) !== undefined);
    // Between two of its five sections it is a smaller module.
    expect(readable).toHaveLength(5);
  });

  it("never take more than their own size to read, whatever they say", () => {
    for (let seed = 1; seed < 2_000; seed++) {
      let state = seed;
      const noise = Array.from({ length: 40 }, () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state >>> 24;
      });
      const read = readWasmBinary(wasm([(seed % 3) * 3 + 1, 40, ...noise]));
      expect((read?.imports.length ?? 0) + (read?.exports.size ?? 0)).toBeLessThan(41);
    }
  });
});
