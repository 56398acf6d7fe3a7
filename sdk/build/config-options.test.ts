import { expect, test } from "vitest";
import { configOptions } from "./config-options.js";

const one = (schema: object): object | undefined =>
  configOptions({ type: "object", properties: { a: schema } }).map(({ type, rule }) => ({ type, rule }))[0];

test.each<[object, string, string]>([
  [{ type: "string" }, "string", ""],
  [{ type: "string", minLength: 1 }, "string", "at least 1 character"],
  [{ type: "string", maxLength: 9, pattern: "^a" }, "string", "at most 9 characters; must match ^a"],
  [{ type: "string", enum: ["a", "b"] }, "string", 'one of "a", "b"'],
  [{ type: "number", minimum: 0, maximum: 100 }, "number", "0 to 100"],
  [{ type: "integer", minimum: -2147483648, maximum: 2147483647 }, "integer", ""],
  [{ type: "integer", minimum: 0, maximum: 4294967295 }, "integer", "at least 0"],
  [{ type: "integer", minimum: 5, maximum: 4294967295 }, "integer", "at least 5"],
  [
    { type: "array", items: { type: "string", enum: ["x"] }, minItems: 2 },
    "list of string",
    'at least 2 items; each one of "x"',
  ],
  [{ type: "object", additionalProperties: { type: "number" }, maxProperties: 3 }, "map of number", "at most 3 values"],
  [{}, "anything", ""],
])("%j", (schema, type, rule) => {
  expect(one(schema)).toEqual({ type, rule });
});

test("nested options have paths; defaults and duties are theirs", () => {
  const limit = { type: "object", properties: { size: { type: "integer", default: 0 } }, required: ["size"] };
  const options = configOptions({
    type: "object",
    properties: {
      limit: { ...limit, description: "All of it." },
      limits: { type: "array", items: limit },
      byName: { type: "object", additionalProperties: limit },
    },
    required: ["limit"],
  });
  expect(options.map(({ path, required, default: value }) => [path, required, value])).toEqual([
    ["limit", true, undefined],
    ["limit.size", true, 0],
    ["limits", false, undefined],
    ["limits[].size", true, 0],
    ["byName", false, undefined],
    ["byName.*.size", true, 0],
  ]);
  expect(options[0]?.description).toBe("All of it.");
});

test("a schema from elsewhere that is none, or has no end, does no harm", () => {
  for (const schema of [undefined, null, 1, "x", [], {}, { properties: 1 }, { properties: { a: 1, b: null } }]) {
    expect(configOptions(schema)).toEqual([]);
  }
  const endless: Record<string, unknown> = { type: "object" };
  endless.properties = { again: endless };
  endless.items = endless;
  expect(configOptions(endless).length).toBeLessThan(20);
  const wide = { properties: Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`a${i}`, {}])) };
  expect(configOptions(wide)).toHaveLength(500);
});
