import { describe, expect, test } from "vitest";
import { buildModule, PLUGIN_FUNCTIONS } from "../../test/differential/module-builder.js";
import { ByteBuffer } from "./byte-buffer.js";
import { HeaderMap } from "./header-map.js";
import { createHost } from "./host.js";
import { limitMemory } from "./memory-limit.js";
import { decodePairs, encodePairs, MAX_PAIRS, MAX_PAIRS_BYTES, type Pair } from "./pairs.js";
import { double, duration, encodeProperty, type PropertyValue } from "./property-value.js";
import { readFields, textField, varintField } from "./protobuf.js";

describe("pairs", () => {
  test.each<[string, Pair[], string]>([
    ["none", [], "00000000"],
    ["one", [["a", "b"]], "010000000100000001000000" + "6100" + "6200"],
    ["an empty value", [["a", ""]], "010000000100000000000000" + "6100" + "00"],
    ["bytes", [["a", "\xff"]], "010000000100000001000000" + "6100" + "ff00"],
  ])("%s", (_, pairs, hex) => {
    expect(Buffer.from(encodePairs(pairs)).toString("hex")).toBe(hex);
    expect(decodePairs(Buffer.from(hex, "hex"))).toEqual(pairs);
  });

  test.each([
    ["nothing", ""],
    ["half a count", "0100"],
    ["sizes missing", "01000000"],
    ["a name beyond the end", "0100000009000000010000006100" + "6200"],
    ["no NUL behind the name", "010000000100000001000000" + "6161" + "6200"],
    ["no NUL behind the value", "010000000100000001000000" + "6100" + "6262"],
    ["a byte too many", "010000000100000001000000" + "6100" + "620000"],
    ["a huge count", "ffffffff"],
  ])("%s is an empty list", (_, hex) => {
    expect(decodePairs(Buffer.from(hex, "hex"))).toEqual([]);
  });

  test.each([
    [MAX_PAIRS, MAX_PAIRS],
    [MAX_PAIRS + 1, 0],
  ])("of %d pairs %d are taken", (count, taken) => {
    const pairs = Array.from({ length: count }, (): Pair => ["a", "b"]);
    expect(decodePairs(encodePairs(pairs))).toHaveLength(taken);
  });

  test("a list that is too long in bytes is empty", () => {
    expect(decodePairs(encodePairs([["a", "b".repeat(MAX_PAIRS_BYTES)]]))).toEqual([]);
  });
});

describe("properties", () => {
  test.each<[string, Exclude<PropertyValue, undefined>, string]>([
    ["a string", "é", "c3a9"],
    ["bytes", Uint8Array.of(1, 255), "01ff"],
    ["true", true, "01"],
    ["false", false, "00"],
    ["an integer", 258, "0201000000000000"],
    ["a negative integer", -1, "ffffffffffffffff"],
    ["an unsigned integer", (1n << 64n) - 1n, "ffffffffffffffff"],
    ["a double", 0.5, "000000000000e03f"],
    ["a whole double", double(2), "0000000000000040"],
    ["a timestamp", new Date(1), "40420f0000000000"],
    ["a duration", duration(1.5), "60e3160000000000"],
    ["a map", { a: "b", c: undefined }, "010000000100000001000000" + "6100" + "6200"],
    ["a list", ["a"], "010000000100000000000000" + "6100" + "00"],
  ])("%s", (_, value, hex) => {
    expect(Buffer.from(encodeProperty(value)).toString("hex")).toBe(hex);
  });
});

describe("header map", () => {
  test("pseudo headers come first; one slot is one header; set moves to the end", () => {
    const map = HeaderMap.from({ "x-a": "1", Accept: ["a", "b"], "x-b": ["1", "2"] });
    map.add(":path", "/");
    map.set("X-A", "2");
    expect(map.toList()).toEqual([
      [":path", "/"],
      ["accept", "a,b"],
      ["x-b", "1"],
      ["x-b", "2"],
      ["x-a", "2"],
    ]);
    expect([map.get("X-B"), map.all("x-b"), map.size, map.byteSize]).toEqual(["1", ["1", "2"], 5, 27]);
  });
});

describe("buffers are written at their ends", () => {
  test.each([
    ["replace all", 0, 100, 0, "new"],
    ["replace the beginning", 0, 2, 0, "newddle"],
    ["prepend", 0, 0, 0, "newmiddle"],
    ["append", 6, 0, 0, "middlenew"],
    ["append far behind", 99, 5, 0, "middlenew"],
    ["inside", 2, 2, 2, "middle"],
  ])("%s", (_, start, size, status, text) => {
    const buffer = new ByteBuffer("middle");
    expect(buffer.write(start, size, Buffer.from("new"))).toBe(status);
    expect(Buffer.from(buffer.bytes).toString()).toBe(text);
  });
});

describe("protobuf", () => {
  test.each([
    ["0a0161", "a", 0n],
    ["10ac02", "", 300n],
    ["", "", 0n],
  ])("%s", (hex, text, number) => {
    const fields = readFields(Buffer.from(hex, "hex"));
    expect(fields && [textField(fields, 1), varintField(fields, 2)]).toEqual([text, number]);
  });

  test.each(["ff", "0a05", "63", "00", "08"])("%s is no message", (hex) => {
    expect(readFields(Buffer.from(hex, "hex"))).toBeUndefined();
  });
});

describe("the maximum of the memory", () => {
  test("what the module begins with must fit", () => {
    const wasm = buildModule({ functions: PLUGIN_FUNCTIONS, memoryPages: 3 });
    expect(() => limitMemory(wasm, 2 * 65_536)).toThrow(
      "the module begins with 196608 bytes of memory; 131072 are allowed",
    );
    const host = createHost(limitMemory(wasm, 5 * 65_536));
    expect(host.memoryBytes()).toBe(3 * 65_536);
  });
});
