import { expect, it } from "vitest";
import type { JsonValue } from "./json.js";
import { jsonPatch } from "./json-patch.js";

it.each<[string, JsonValue, JsonValue, readonly object[]]>([
  ["nothing", { a: 1, b: [1] }, { b: [1], a: 1 }, []],
  ["a new field", { a: { b: 1 } }, { a: { b: 1, c: 2 } }, [{ op: "add", path: "/a/c", value: 2 }]],
  ["a field that goes", { a: { b: 1, c: 2 } }, { a: { c: 2 } }, [{ op: "remove", path: "/a/b" }]],
  ["another value", { a: 1 }, { a: "1" }, [{ op: "replace", path: "/a", value: "1" }]],
  ["a list", { a: [1, 2] }, { a: [0, 1, 2] }, [{ op: "replace", path: "/a", value: [0, 1, 2] }]],
  ["null", { a: null }, { a: {} }, [{ op: "replace", path: "/a", value: {} }]],
  ["names with slashes", { m: {} }, { m: { "a/b~c": 1 } }, [{ op: "add", path: "/m/a~1b~0c", value: 1 }]],
])("names %s", (_what, before, after, expected) => expect(jsonPatch(before, after)).toEqual(expected));
