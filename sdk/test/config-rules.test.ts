import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, describe, expect, test } from "vitest";
import type { JsonSchema } from "../build/index.js";
import { buildSource } from "./build-source.js";
import { type Configured, configurable } from "./configure.js";

/* Each is a field p<i>. */
const PATTERNS = [
  "^[a-z][a-z0-9-]*$",
  "ab+c",
  "^(?:GET|POST|PUT)$",
  "^\\d{1,3}(?:\\.\\d{1,3}){3}$",
  "^$",
  "^a?b{2,}c*$",
  "x|yz",
  "^[^/\\s]+/\\w+$",
  "^.{2}$",
  "^(a|b)*abb$",
  "\\u{1F600}|\\xe9",
  "^(?<name>a+?)b$",
  "[\\]\\-a]$",
  "^a{3}$",
  "b{2}(?:cd)?$",
];
const TEXTS = [
  ...["", "a", "ab", "abc", "abbbc", "xabcx", "GET", "GETS", "PUT", "10.0.0.1", "1.2.3", "256.1.1.1.1", "bb", "abb"],
  ...["bbcc", "abbbbcc", "cc", "x", "yz", "y", "ns/name", "n s/name", "/x", "aa", "é", "😀", "a😀", "aabb", "babb"],
  ...["abab", "aaa", "aaaa", "a-b", "A", "1a", "]", "-", "line\nend", "bbcd", "bbcdcd", "b", "a9-", "\u00a0"],
];

const SOURCE = `
import { config, HttpContext, log, max, min, oneOf, pattern, registerRoot, RootContext } from "@weft/sdk";

enum Mode { Off, Shadow, On }

@config class Weight { @min(0) @max(100) percent: i32 = 0; }

@config class Config {
  mode: Mode = Mode.Shadow;
  modes: Mode[] = [];
  @oneOf("round-robin", "least") policy: string = "least";
  labels: Map<string, string> = new Map();
  @max(2) weights: Map<string, Weight> = new Map<string, Weight>();
  nested: Map<string, i32[]> = new Map();
  required!: bool;
  ${PATTERNS.map((text, i) => `@pattern(${JSON.stringify(text)}) p${i}: string = "";`).join("\n  ")}
}

class Root extends RootContext<Config> {
  onConfigure(): bool {
    const c = this.config;
    let text = c.mode.toString() + "|" + c.policy + "|";
    for (let i = 0; i < c.modes.length; i++) text += c.modes[i].toString();
    const keys = c.labels.keys();
    for (let i = 0; i < keys.length; i++) text += "|" + keys[i] + "=" + c.labels.get(keys[i]);
    const names = c.weights.keys();
    for (let i = 0; i < names.length; i++) text += "|" + names[i] + ":" + c.weights.get(names[i]).percent.toString();
    if (c.nested.has("n")) text += "|" + c.nested.get("n").join(",");
    log.info(text);
    return true;
  }
}
class Stream extends HttpContext<Config> {}
registerRoot<Stream, Root>("probe");
`;

let schema: JsonSchema;
let run: (json: string) => Configured;
let configure: (value: object) => Configured;
let valid: (value: unknown) => boolean;

beforeAll(async () => {
  const built = await buildSource({ source: SOURCE });
  if (!built.ok) throw new Error(JSON.stringify(built.diagnostics));
  schema = built.schema;
  run = configurable(built.wasm);
  configure = (value) => run(JSON.stringify({ required: true, ...value }));
  valid = new Ajv2020({ strict: true }).compile(schema);
});

test.each([
  [{}, "1|least|"],
  [{ mode: "On", modes: ["Off", "On"], policy: "round-robin" }, "2|round-robin|02"],
  [{ labels: { a: "1", "b c": "2", é: "ü" } }, "1|least||a=1|b c=2|é=ü"],
  [{ weights: { v1: { percent: 10 }, v2: {} }, nested: { n: [1, 2] } }, "1|least||v1:10|v2:0|1,2"],
])("%o is accepted", (value, expected) => {
  expect(configure(value)).toEqual({ accepted: true, logs: [expected] });
  expect(valid({ required: true, ...value })).toBe(true);
});

test.each([
  [{ mode: "on" }, 'field "mode" is "on"; it must be one of "Off", "Shadow", "On"'],
  [{ mode: 1 }, 'field "mode" is 1; it must be one of "Off", "Shadow", "On"'],
  [{ modes: ["On", "?"] }, 'field "modes[1]" is "?"; it must be one of "Off", "Shadow", "On"'],
  [{ policy: "random" }, 'field "policy" is "random"; it must be one of "round-robin", "least"'],
  [{ labels: { a: 1 } }, 'field "labels.a" is 1; it must be a string'],
  [{ labels: [] }, 'field "labels" is an array; it must be an object'],
  [{ weights: { a: {}, b: {}, c: {} } }, 'field "weights" has 3; it must have at most 2 entries'],
  [{ weights: { v1: { percent: 101 } } }, 'field "weights.v1.percent" is 101; it must be an integer from 0 to 100'],
  [{ p0: "Upper" }, 'field "p0" is "Upper"; it must match ^[a-z][a-z0-9-]*$'],
])("%o is refused", (value, message) => {
  expect(configure(value)).toEqual({
    accepted: false,
    logs: [`plugin "probe": configuration refused: ${message}`],
  });
  expect(valid({ required: true, ...value })).toBe(false);
});

test("a map's key that is given twice, and a field that is required", () => {
  expect(run('{"required":true,"labels":{"a":"1","a":"2"}}').logs[0]).toContain('field "labels.a" is given twice');
  expect(configure({ required: undefined }).logs[0]).toContain('field "required" is required');
});

test.each(PATTERNS.map((text, i) => ({ text, i })))("pattern $text is JavaScript's", ({ text, i }) => {
  const expression = new RegExp(text, "u");
  const differ = TEXTS.filter((value) => configure({ [`p${i}`]: value }).accepted !== expression.test(value));
  expect(differ).toEqual([]);
  expect(schema.properties?.[`p${i}`]).toEqual({ type: "string", pattern: text, default: "" });
});

test("the schema has enums, values and maps", () => {
  expect(schema.properties).toMatchObject({
    mode: { type: "string", enum: ["Off", "Shadow", "On"], default: "Shadow" },
    modes: { type: "array", items: { type: "string", enum: ["Off", "Shadow", "On"] } },
    policy: { type: "string", enum: ["round-robin", "least"], default: "least" },
    labels: { type: "object", additionalProperties: { type: "string" }, default: {} },
    weights: { maxProperties: 2, additionalProperties: { type: "object", additionalProperties: false } },
    nested: { additionalProperties: { type: "array", items: { type: "integer" } } },
  });
  expect(schema.required).toEqual(["required"]);
});

describe("a rule that cannot be kept", () => {
  test.each([
    ['@pattern("(") a: string = "";', 'the @pattern of field "a" cannot be used: Invalid regular expression'],
    ['@pattern("(?=x)y") a: string = "";', "it has look-around, which cannot be matched in linear time"],
    ['@pattern("(a)\\\\1") a: string = "";', "it has \\1, which is not supported"],
    ['@pattern("\\\\bx") a: string = "";', "it has \\b, which is not supported"],
    ['@pattern("^a|b$") a: string = "";', "alternatives between ^ and $ need a group"],
    ['@pattern("a^b") a: string = "";', "^ and $ may stand at its beginning and end only"],
    ['@pattern("[a-z]{64}") a: string = "";', "it has more than 63 characters and classes"],
    ["@pattern(1) a: string = '';", "@pattern is for strings and takes one text"],
    ['@oneOf("a") a: i32 = 1;', "@oneOf is for strings and takes texts"],
    ["@min(1) a: Mode = Mode.A;", 'field "a" has no size'],
    ["a: Map<i32, string> = new Map();", 'type "Map<i32, string>" cannot be configured'],
  ])("%s", async (field, message) => {
    const source = `import { HttpContext, register, config, min, oneOf, pattern } from "@weft/sdk";
enum Mode { A }
@config class Config { ${field} }
class S extends HttpContext<Config> {}
register<S, Config>("probe");`;
    const built = await buildSource({ source });
    expect(built.ok).toBe(false);
    expect(built.diagnostics.map((diagnostic) => diagnostic.message).join("\n")).toContain(message);
  });
});
