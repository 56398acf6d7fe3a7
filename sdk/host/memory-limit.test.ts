import { describeModule, limitMemory } from "@weft/sdk/host";
import { describe, expect, test } from "vitest";
import { leb, list, SECTION, section, text, wasm } from "../../test/wasm-bytes.js";

/** Node has it; the types of the ES library do not. */
declare const WebAssembly: { validate(bytes: Uint8Array): boolean };

const PAGE = 65_536;
const MEMORY = 5;
const own = (...limits: number[]) => wasm(section(MEMORY, [1, ...limits]));
const imported = (...limits: number[]) =>
  wasm(
    section(SECTION.type, [1, 0x60, 0, 0]),
    section(
      SECTION.import,
      list(
        [...text("env"), ...text("f"), 0, 0],
        [...text("env"), ...text("t"), 1, 0x70, 1, 1, 2],
        [...text("env"), ...text("memory"), 2, ...limits],
        [...text("env"), ...text("g"), 3, 0x7f, 0],
      ),
    ),
  );
const ownLimits = (bytes: Uint8Array) => describeModule(bytes).memory;
const importedLimits = (bytes: Uint8Array) =>
  describeModule(bytes).imports.find(({ kind }) => kind === "memory")?.limits;

describe.each([
  ["its own memory", own, ownLimits],
  ["an imported memory", imported, importedLimits],
] as const)("%s", (_, build, limits) => {
  test.each<[string, number[], number, object]>([
    ["without a maximum", [0, 1], 300 * PAGE, { initial: 1, maximum: 300 }],
    ["with a larger maximum", [1, 1, ...leb(1000)], 300 * PAGE, { initial: 1, maximum: 300 }],
    ["with a smaller maximum", [1, 1, 2], 300 * PAGE, { initial: 1, maximum: 2 }],
    ["that begins at the limit", [0, ...leb(300)], 300 * PAGE, { initial: 300, maximum: 300 }],
    ["with a limit of no whole page", [0, 1], 2 * PAGE - 1, { initial: 1, maximum: 1 }],
  ])("%s", (_name, given, maxBytes, expected) => {
    const module = limitMemory(build(...given), maxBytes);
    expect(limits(module)).toEqual(expected);
    expect(WebAssembly.validate(module)).toBe(true);
    expect(limitMemory(module, maxBytes)).toEqual(module);
  });

  test("that begins above the limit is refused", () => {
    expect(() => limitMemory(build(0, 3), 2 * PAGE)).toThrow(/begins with 196608 bytes of memory; 131072 are allowed/);
  });
});

test("what is not about memory stays as it is", () => {
  const module = imported(1, 1, 1);
  expect(describeModule(limitMemory(module, PAGE)).imports).toEqual(describeModule(module).imports);
  expect(limitMemory(wasm(), PAGE)).toEqual(Buffer.from(wasm()));
});

test.each<[string, Uint8Array]>([
  ["no module", Buffer.from("nothing")],
  ["a memory section that ends early", wasm(section(MEMORY, [1, 1, 1]))],
  ["more memories than there are", wasm(section(MEMORY, [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1]))],
  ["an import of an unknown kind", wasm(section(SECTION.import, list([...text("a"), ...text("b"), 9, 0])))],
])("%s cannot be limited", (_, module) => {
  expect(() => limitMemory(module, PAGE)).toThrow(/Failed to parse corrupted Wasm module/);
});
