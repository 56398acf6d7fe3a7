import { describe, expect, it } from "vitest";
import { checkConfig } from "./config-schema.js";

const SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: { limit: { type: "integer", minimum: 1 }, mode: { enum: ["a", "b"] } },
  additionalProperties: false,
};

describe("checkConfig", () => {
  it.each([
    ["fits", '{"limit":1}', undefined],
    ["names the field and the rule", '{"limit":0}', "spec.pluginConfig.limit must be >= 1"],
    ["names an unknown field", '{"limits":1}', "(limits)"],
    ["names what is allowed", '{"mode":"c"}', '(["a","b"])'],
  ])("%s", async (_what, config, expected) => {
    const problem = await checkConfig(config, SCHEMA);
    if (expected === undefined) expect(problem).toBeUndefined();
    else expect(problem).toMatchObject({ reason: "InvalidConfig", message: expect.stringContaining(expected) });
  });

  it("takes anything where there is no schema", async () => {
    expect(await checkConfig('{"x":1}', undefined)).toBeUndefined();
  });

  it("tells a schema that is none", async () => {
    expect(await checkConfig("{}", { type: "nothing" })).toMatchObject({ reason: "InvalidSchema" });
  });

  it("gives up a pattern that takes for ever", async () => {
    const schema = { type: "object", properties: { x: { type: "string", pattern: "^(a+)+$" } } };
    const problem = await checkConfig(JSON.stringify({ x: `${"a".repeat(40)}!` }), schema);
    expect(problem).toMatchObject({ reason: "InvalidSchema", message: expect.stringContaining("took more than") });
  });
});
