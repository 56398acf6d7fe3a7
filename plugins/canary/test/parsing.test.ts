import { beforeAll, describe, expect, test } from "vitest";
import { evaluate } from "../../../test/build-plugin.js";

const COOKIES: readonly (readonly [readonly string[], string, readonly string[]])[] = [
  [[], "a", []],
  [[""], "a", []],
  [["a=1"], "a", ["1"]],
  [["a=1; b=2; c=3"], "b", ["2"]],
  [["a=1;b=2;c=3"], "c", ["3"]],
  [["a=1; b=2", "c=3; a=4"], "a", ["1", "4"]],
  [["ab=1; a=2"], "a", ["2"]],
  [["xa=1"], "a", []],
  [["A=1"], "a", []],
  [["a=x=y"], "a", ["x=y"]],
  [["a="], "a", [""]],
  [["a"], "a", []],
  [["=1; a=2"], "a", ["2"]],
  [['a="quoted value"; b=1'], "a", ["quoted value"]],
  [['a=""'], "a", [""]],
  [['a="'], "a", ['"']],
  [['a="x'], "a", ['"x']],
  [[" \t a=1 ; b=2 "], "a", ["1"]],
  [["a=1; b=2 \t"], "b", ["2"]],
  [[";;; a=1;;"], "a", ["1"]],
  [['a="1;2"'], "a", ['"1']],
  [["a=é😀"], "a", ["é😀"]],
];

const TARGETS: readonly (readonly [string, string, string, readonly string[]])[] = [
  ["/", "/", "a", []],
  ["", "", "a", []],
  ["*", "*", "a", []],
  ["/a/b?a=1", "/a/b", "a", ["1"]],
  ["/?a=1&b=2&a=3", "/", "a", ["1", "3"]],
  ["/?a", "/", "a", [""]],
  ["/?a=", "/", "a", [""]],
  ["/?&&a=1&", "/", "a", ["1"]],
  ["/?ab=1&xa=2", "/", "a", []],
  ["/?a=x%20y+z", "/", "a", ["x y z"]],
  ["/?%61=1", "/", "a", ["1"]],
  ["/?a=%C3%A9%F0%9F%98%80", "/", "a", ["é😀"]],
  ["/?a=100%&b=%zz&c=%2", "/", "a", ["100%"]],
  ["/?b=%zz", "/", "b", ["%zz"]],
  ["/?c=%2", "/", "c", ["%2"]],
  ["/?a=b=c", "/", "a", ["b=c"]],
  ["/?a=1#frag&a=2", "/", "a", ["1"]],
  ["/p#frag?a=1", "/p", "a", []],
  ["/?q?a=1&a=2", "/", "a", ["2"]],
  ["/%2Fx?a=%2F", "/%2Fx", "a", ["/"]],
  ["/?=1&a=2", "/", "", ["1"]],
];

const HOSTS: readonly (readonly [string, string])[] = [
  ["", ""],
  ["backend", "backend"],
  ["backend:8080", "backend"],
  ["Backend.Default.SVC:80", "backend.default.svc"],
  ["[::1]", "[::1]"],
  ["[2001:DB8::1]:443", "[2001:db8::1]"],
];

const ADDRESSES: readonly (readonly [string, string])[] = [
  ["", ""],
  ["10.0.0.1:1234", "10.0.0.1"],
  ["[::1]:80", "::1"],
  ["[2001:db8::7]:80", "2001:db8::7"],
];

const DECLARATIONS = `
import { cookieValues } from "./cookie";
import { isHeaderName, isToken } from "./names";
import { addressOf, hostOf, pathOf, queryValues } from "./target";
`;

const list = (texts: readonly string[]): string =>
  `[${texts.map((text) => JSON.stringify(text)).join(", ")}] as string[]`;
const joined = (texts: readonly string[]): string => texts.map((text) => `<${text}>`).join("");
const join = (expression: string): string => `${expression}.map<string>((v: string) => "<" + v + ">").join("")`;

async function evaluated(expressions: readonly string[]): Promise<string[]> {
  return await evaluate("canary", DECLARATIONS, expressions);
}

describe("cookies", () => {
  let results: string[];
  beforeAll(async () => {
    results = await evaluated(
      COOKIES.map(([headers, name]) => join(`cookieValues(${list(headers)}, ${JSON.stringify(name)})`)),
    );
  });
  test.each(COOKIES.map(([headers, name, values], i) => ({ headers, name, values, i })))(
    "$name in $headers is $values",
    ({ values, i }) => expect(results[i]).toBe(joined(values)),
  );
});

describe("targets", () => {
  let results: string[];
  beforeAll(async () => {
    results = await evaluated(
      TARGETS.flatMap(([target, , name]) => [
        `pathOf(${JSON.stringify(target)})`,
        join(`queryValues(${JSON.stringify(target)}, ${JSON.stringify(name)})`),
      ]),
    );
  });
  test.each(TARGETS.map(([target, path, name, values], i) => ({ target, path, name, values, i })))(
    "$target has path $path, and $name is $values",
    ({ path, values, i }) => expect(results.slice(2 * i, 2 * i + 2)).toEqual([path, joined(values)]),
  );
});

describe("names", () => {
  let results: string[];
  beforeAll(async () => {
    const tokens = ["a", "X-Y_z", "a.b~!", "", "a b", "a:b", "é", "a;", "a="];
    results = await evaluated([
      ...HOSTS.map(([authority]) => `hostOf(${JSON.stringify(authority)})`),
      ...ADDRESSES.map(([address]) => `addressOf(${JSON.stringify(address)})`),
      `[${tokens.map((token) => `isToken(${JSON.stringify(token)})`).join(", ")}].join(",")`,
      '[isHeaderName(":path"), isHeaderName("x"), isHeaderName("::a"), isHeaderName(":")].join(",")',
    ]);
  });
  test.each(HOSTS.map(([authority, host], i) => ({ authority, host, i })))("host of $authority", ({ host, i }) =>
    expect(results[i]).toBe(host),
  );
  test.each(ADDRESSES.map(([address, host], i) => ({ address, host, i })))("address of $address", ({ host, i }) =>
    expect(results[HOSTS.length + i]).toBe(host),
  );
  test("tokens", () => {
    expect(results.slice(-2)).toEqual(["true,true,true,false,false,false,false,false,false", "true,true,false,false"]);
  });
});
