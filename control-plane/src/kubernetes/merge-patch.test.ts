import { expect, it } from "vitest";
import { mergePatch } from "./merge-patch.js";

type Value = Readonly<Record<string, unknown>>;

it.each<[string, Value, Value, Value | undefined]>([
  ["nothing for what is equal", { a: 1, b: { c: [1] } }, { b: { c: [1] }, a: 1 }, undefined],
  ["what is new or other", { a: 1 }, { a: 2, b: 3 }, { a: 2, b: 3 }],
  ["null for what goes, at any depth", { a: 1, b: { c: 1, d: 2 } }, { b: { c: 1 } }, { a: null, b: { d: null } }],
  ["lists as a whole", { a: [1, 2] }, { a: [2] }, { a: [2] }],
  ["objects in the place of others", { a: [1], b: { c: 1 } }, { a: { c: 1 }, b: 1 }, { a: { c: 1 }, b: 1 }],
  ["nothing of what is undefined", { a: 1 }, { a: 1, b: undefined }, undefined],
  ["null for what becomes undefined", { a: 1 }, { a: undefined }, { a: null }],
])("has %s", (_what, current, wanted, patch) => {
  expect(mergePatch(current, wanted)).toEqual(patch);
});
