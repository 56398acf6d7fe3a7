import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, describe, expect, test } from "vitest";
import type { JsonSchema } from "../build/index.js";
import { buildSource } from "./build-source.js";
import { type Configured, configurable } from "./configure.js";

const SOURCE = `
import { HttpContext, log, registerRoot, RootContext, config, min, max } from "@weft/sdk";

/** A part. */
@config class Part { /** Its name. */ name!: string; size: i32 = 1; }

/**
 * Everything that can be
 * configured.
 */
@config class Config {
  text: string = "default";
  @min(2) @max(4) short: string = "abc";
  flag: bool = false;
  int: i32 = -1;
  unsigned: u32 = 1;
  long: i64 = 0;
  @min(-10) @max(10) bounded: i32 = 0;
  ratio: f64 = 0.5;
  @min(0) @max(1) share: f64 = 0;
  names: string[] = ["a", "b"];
  @max(2) numbers: i32[] = [];
  grid: f64[][] = [];
  part: Part = new Part();
  parts: Part[] = [];

  validate(): string | null { return this.int == 666 ? "int is 666; it must not be" : null; }
}

class Root extends RootContext<Config> {
  onConfigure(): bool {
    const c = this.config;
    let parts = "";
    for (let i = 0; i < c.parts.length; i++) parts += c.parts[i].name + ":" + c.parts[i].size.toString() + ";";
    let grid = "";
    for (let i = 0; i < c.grid.length; i++) grid += c.grid[i].join(",") + ";";
    log.info([c.text, c.flag.toString(), c.int.toString(), c.unsigned.toString(), c.long.toString(), c.ratio.toString(),
      c.names.join(","), c.numbers.join(","), grid, parts].join("|"));
    return true;
  }
}
class Stream extends HttpContext<Config> {}
registerRoot<Stream, Root>("probe");
`;

const DEFAULTS = "default|false|-1|1|0|0.5|a,b|||";
const field = (name: string, rest: string) => `plugin "probe": configuration refused: field "${name}" ${rest}`;

let schema: JsonSchema;
let configure: (json: string) => Configured;
let valid: (value: unknown) => boolean;

beforeAll(async () => {
  const built = await buildSource({ source: SOURCE });
  if (!built.ok) throw new Error(JSON.stringify(built.diagnostics));
  schema = built.schema;
  configure = configurable(built.wasm);
  valid = new Ajv2020({ strict: true }).compile(schema);
});

describe("a configuration that is accepted", () => {
  test.each([
    ["", DEFAULTS],
    ["{}", DEFAULTS],
    [" { } \n", DEFAULTS],
    ['{"text":""}', "|false|-1|1|0|0.5|a,b|||"],
    ['{"text":"a\\"\\\\\\/\\n\\u00e9\\ud83d\\ude00é😀"}', 'a"\\/\né😀é😀|false|-1|1|0|0.5|a,b|||'],
    ['{"flag":true,"int":-2147483648,"unsigned":4294967295}', "default|true|-2147483648|4294967295|0|0.5|a,b|||"],
    ['{"long":9223372036854775807}', "default|false|-1|1|9223372036854775807|0.5|a,b|||"],
    ['{"long":-9223372036854775808}', "default|false|-1|1|-9223372036854775808|0.5|a,b|||"],
    ['{"ratio":-12.25e-2}', "default|false|-1|1|0|-0.1225|a,b|||"],
    ['{"ratio":1E3}', "default|false|-1|1|0|1000.0|a,b|||"],
    ['{"names":[],"numbers":[1, -2]}', "default|false|-1|1|0|0.5||1,-2||"],
    ['{"grid":[[1,2.5],[],[3]]}', "default|false|-1|1|0|0.5|a,b||1.0,2.5;;3.0;|"],
    ['{"parts":[{"name":"x"},{"size":5,"name":"y"}]}', "default|false|-1|1|0|0.5|a,b|||x:1;y:5;"],
  ])("%s", (json, expected) => {
    expect(configure(json)).toEqual({ accepted: true, logs: [expected] });
  });
});

describe("a configuration that is refused", () => {
  test.each([
    [
      '{"txt":1}',
      field(
        "txt",
        "is unknown; known fields: text, short, flag, int, unsigned, long, bounded, ratio, share, names, numbers, grid, part, parts",
      ),
    ],
    ['{"text":1}', field("text", "is 1; it must be a string")],
    ['{"text":null}', field("text", "is null; it must be a string")],
    ['{"text":"a","text":"b"}', field("text", "is given twice")],
    ['{"short":"a"}', field("short", 'is "a"; it must have 2 to 4 characters')],
    ['{"flag":"true"}', field("flag", 'is "true"; it must be true or false')],
    ['{"int":2147483648}', field("int", "is 2147483648; it must be an integer from -2147483648 to 2147483647")],
    ['{"int":1.5}', field("int", "is 1.5; it must be an integer from -2147483648 to 2147483647")],
    ['{"int":1e3}', field("int", "is 1e3; it must be an integer from -2147483648 to 2147483647")],
    ['{"int":01}', field("int", "is 01; it must be an integer from -2147483648 to 2147483647")],
    ['{"unsigned":-1}', field("unsigned", "is -1; it must be an integer from 0 to 4294967295")],
    ['{"long":9223372036854775808}', field("long", "is 9223372036854775808; it must be an integer")],
    ['{"bounded":11}', field("bounded", "is 11; it must be an integer from -10 to 10")],
    ['{"ratio":"1"}', field("ratio", 'is "1"; it must be a number')],
    ['{"share":1.01}', field("share", "is 1.01; it must be a number from 0 to 1")],
    ['{"names":"a"}', field("names", 'is "a"; it must be an array')],
    ['{"names":["a",2]}', field("names[1]", "is 2; it must be a string")],
    ['{"numbers":[1,2,3]}', field("numbers", "has 3; it must have at most 2 items")],
    ['{"grid":[[1],[true]]}', field("grid[1][0]", "is true; it must be a number")],
    ['{"part":[]}', field("part", "is an array; it must be an object")],
    ['{"part":{}}', field("part.name", "is required")],
    [
      '{"parts":[{"name":"a"},{"name":"b","size":"big"}]}',
      field("parts[1].size", 'is "big"; it must be an integer from -2147483648 to 2147483647'),
    ],
    ['{"int":666}', 'plugin "probe": configuration refused: int is 666; it must not be'],
    ["[]", 'plugin "probe": configuration refused: the configuration is an array; it must be an object'],
    ["{", 'plugin "probe": configuration refused: not JSON: a field name in quotes expected at byte 1'],
    ['{"flag":true,}', 'plugin "probe": configuration refused: not JSON: a field name in quotes expected at byte 13'],
    ['{"flag":true "int":1}', "plugin \"probe\": configuration refused: not JSON: ',' expected at byte 13"],
    ['{"text":"a', 'plugin "probe": configuration refused: not JSON: a string\'s end expected at byte 10'],
    ['{"text":"\\x"}', 'plugin "probe": configuration refused: not JSON: a known escape expected at byte 11'],
    ["{} {}", 'plugin "probe": configuration refused: not JSON: the end expected at byte 3'],
  ])("%s", (json, message) => {
    expect(configure(json)).toEqual({ accepted: false, logs: [message] });
  });

  test("a long value is cut short", () => {
    const { accepted, logs } = configure(`{"int":"${"x".repeat(10_000)}"}`);
    expect(accepted).toBe(false);
    expect(logs[0]!.length).toBeLessThan(200);
  });
});

test("the reader accepts what the schema accepts, whatever one character is changed to", () => {
  const base =
    '{"flag":true,"int":-12,"ratio":0.5e1,"share":0.25,"names":["a","\\u0041"],"part":{"name":"n"},"parts":[{"name":"x","size":7}]}';
  const compared = [];
  for (let i = 0; i < base.length; i++) {
    for (const replacement of ["", '"', "}", "]", ",", "0", "9", ".", "-", "x", " ", "\u0001"]) {
      const json = base.slice(0, i) + replacement + base.slice(i + 1);
      let expected = false;
      try {
        expected = valid(JSON.parse(json));
      } catch {
        // No JSON, so it must be refused.
      }
      if (configure(json).accepted !== expected) compared.push({ json, expected });
    }
  }
  expect(compared).toEqual([]);
});

test("the schema says types, bounds, defaults, descriptions and what is required", () => {
  expect(schema).toMatchObject({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    description: "Everything that can be configured.",
    additionalProperties: false,
  });
  expect(schema.required).toBeUndefined();
  expect(schema.properties).toMatchObject({
    text: { type: "string", default: "default" },
    short: { type: "string", minLength: 2, maxLength: 4, default: "abc" },
    flag: { type: "boolean", default: false },
    int: { type: "integer", minimum: -2147483648, maximum: 2147483647, default: -1 },
    long: { type: "integer", default: 0 },
    bounded: { type: "integer", minimum: -10, maximum: 10 },
    share: { type: "number", minimum: 0, maximum: 1 },
    names: { type: "array", items: { type: "string" }, default: ["a", "b"] },
    numbers: { type: "array", items: { type: "integer" }, maxItems: 2, default: [] },
    grid: { type: "array", items: { type: "array", items: { type: "number" } } },
    part: {
      type: "object",
      description: "A part.",
      required: ["name"],
      properties: { name: { type: "string", description: "Its name." }, size: { default: 1 } },
      additionalProperties: false,
    },
    parts: { type: "array", items: { type: "object", required: ["name"] } },
  });
});

describe("a @config class that cannot be read", () => {
  const plugin = (fields: string, more = "") =>
    `import { HttpContext, register, config, min } from "@weft/sdk";\n${more}\n@config class Config {\n${fields}\n}\n` +
    `class S extends HttpContext<Config> {}\nregister<S, Config>("probe");\n`;
  test.each([
    [
      "a nullable field",
      plugin("a: string | null = null;"),
      4,
      "a configuration field cannot be null: give it a default",
    ],
    ["a type of the library", plugin("a: Set<string> = new Set();"), 4, 'type "Set<string>" cannot be configured'],
    [
      "a class that is not marked",
      plugin("a: Other = new Other();", "class Other {}"),
      4,
      'type "Other" cannot be configured',
    ],
    ["a bound without a number", plugin('@min("x") a: i32 = 1;'), 4, "@min takes one number"],
    ["a bound of a flag", plugin("@min(1) a: bool = true;"), 4, 'field "a" has no size'],
    ["a class within itself", plugin("a: Config[] = [];"), 3, "@config class Config contains itself"],
    ["a field without a type", plugin("a = 1;"), 4, "Type expected."],
  ])("%s", async (_, source, line, message) => {
    const built = await buildSource({ source });
    expect(built.ok).toBe(false);
    expect(built.diagnostics).toContainEqual(
      expect.objectContaining({
        severity: "error",
        file: "assembly/index.ts",
        line,
        message: expect.stringContaining(message),
      }),
    );
  });
});
