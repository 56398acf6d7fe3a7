import { expect, test } from "vitest";
import { mergeScopes, parseChallenges } from "./challenge.js";

test.each([
  ["", []],
  ['Basic realm="x"', [{ scheme: "basic", parameters: { realm: "x" } }]],
  ["BASIC", [{ scheme: "basic", parameters: {} }]],
  [
    'Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push repository:c:pull"',
    [
      {
        scheme: "bearer",
        parameters: {
          realm: "https://auth.example/token",
          service: "reg",
          scope: "repository:a/b:pull,push repository:c:pull",
        },
      },
    ],
  ],
  [
    'Basic realm="a, b", Bearer Realm = "c" , error="invalid_token"',
    [
      { scheme: "basic", parameters: { realm: "a, b" } },
      { scheme: "bearer", parameters: { realm: "c", error: "invalid_token" } },
    ],
  ],
  [
    "Negotiate YII6a+/==, Basic realm=plain",
    [
      { scheme: "negotiate", parameters: {} },
      { scheme: "basic", parameters: { realm: "plain" } },
    ],
  ],
  [String.raw`Bearer realm="a\"b\\c"`, [{ scheme: "bearer", parameters: { realm: String.raw`a"b\c` } }]],
  ['Bearer realm="never closed', [{ scheme: "bearer", parameters: {} }]],
  ['realm="no scheme"', []],
  ["@@@", []],
])("parseChallenges(%j)", (header, expected) => {
  expect(parseChallenges(header)).toMatchObject(expected);
});

test("a long header is read in a moment", () => {
  expect(parseChallenges(`Bearer ${'a="b",'.repeat(50_000)}`)[0]?.scheme).toBe("bearer");
  parseChallenges(`Bearer a="${"\\".repeat(100_000)}`);
  parseChallenges(`Bearer ${"=".repeat(100_000)}`);
});

test.each([
  [[], []],
  [[""], []],
  [["repository:a:pull", ""], ["repository:a:pull"]],
  [["repository:a:push", "repository:a:pull"], ["repository:a:pull,push"]],
  [["repository:b:pull repository:a:pull"], ["repository:a:pull", "repository:b:pull"]],
  [["repository:host:5000/a:pull,push", "repository:host:5000/a:pull"], ["repository:host:5000/a:pull,push"]],
])("mergeScopes(%j)", (scopes, expected) => {
  expect(mergeScopes(scopes)).toEqual(expected);
});
