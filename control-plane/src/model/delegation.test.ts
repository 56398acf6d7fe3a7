import { expect, test } from "vitest";
import { delegated } from "./delegation.js";
import type { HttpMatch, HttpRoute } from "./http-route.js";
import type { StringMatch } from "./string-match.js";

const match = (over: Partial<HttpMatch>): HttpMatch => ({ headers: [], queryParams: [], ...over });
const exact = (value: string): StringMatch => ({ kind: "exact", value });
const prefix = (value: string): StringMatch => ({ kind: "prefix", value });
const regex = (value: string): StringMatch => ({ kind: "regex", value });
const rule = (over: Partial<HttpRoute>): HttpRoute => ({
  matches: [],
  action: { kind: "respond", response: { status: 200 } },
  ...over,
});
const root = { matches: [], delegate: { namespace: "n", name: "d" } };

test("a rule has what it says, else what it inherits, and both names", () => {
  const options = { name: "api", timeoutMs: 1, retries: { attempts: 1 }, rewrite: { authority: "a" } };
  const { rules } = delegated({ ...root, ...options }, { http: [rule({ name: "v1", timeoutMs: 0 }), rule({})] });
  expect(rules).toEqual([rule({ ...options, name: "api-v1", timeoutMs: 0 }), rule({ ...options, name: "api" })]);
});

test("matches are merged, one for each of the root's that holds more", () => {
  const roots = [
    match({ uri: prefix("/a"), headers: [{ name: "x" }], name: "r" }),
    match({ uri: prefix("/"), port: 80 }),
  ];
  const own = match({
    uri: exact("/a/b"),
    headers: [{ name: "x", match: exact("1") }],
    sourceLabels: { a: "b" },
    name: "o",
  });
  const { rules } = delegated({ ...root, matches: roots }, { http: [rule({ matches: [own] })] });
  expect(rules[0]?.matches).toEqual([
    { ...own, name: "r-o" },
    { ...own, port: 80 },
  ]);
});

test("without matches on one side those of the other hold", () => {
  const one = [match({ uri: prefix("/a") })];
  expect(delegated({ ...root, matches: one }, { http: [rule({})] }).rules[0]?.matches).toEqual(one);
  expect(delegated(root, { http: [rule({ matches: one })] }).rules[0]?.matches).toEqual(one);
});

test.each<[Partial<HttpMatch>, Partial<HttpMatch>, boolean]>([
  [{ uri: prefix("/a") }, { uri: prefix("/a/b") }, true],
  [{ uri: prefix("/a") }, { uri: exact("/ab") }, true],
  [{ uri: prefix("/a/b") }, { uri: prefix("/a") }, false],
  [{ uri: exact("/a") }, { uri: exact("/a") }, true],
  [{ uri: exact("/a") }, { uri: exact("/b") }, false],
  [{ uri: exact("/a") }, { uri: prefix("/a") }, false],
  [{ uri: regex("/a") }, { uri: exact("/a") }, false],
  [{ uri: prefix("/a") }, { uri: regex("/a") }, false],
  [{ method: exact("GET") }, { uri: prefix("/a") }, true],
  [{ method: exact("GET") }, { method: exact("PUT") }, false],
  [{ scheme: exact("http") }, { scheme: exact("https") }, false],
  [{ authority: prefix("a") }, { authority: exact("b") }, false],
  [{ port: 80 }, { port: 80 }, true],
  [{ port: 80 }, { port: 81 }, false],
  [{ ignoreUriCase: true }, {}, false],
  [{ sourceNamespace: "a" }, { sourceNamespace: "b" }, false],
  [{ sourceLabels: { a: "1" } }, { sourceLabels: { b: "1" } }, true],
  [{ sourceLabels: { a: "1" } }, { sourceLabels: { a: "2" } }, false],
  [{ headers: [{ name: "x", match: exact("1") }] }, { headers: [{ name: "x", match: exact("2") }] }, false],
  [{ headers: [{ name: "x", invert: true }] }, { headers: [{ name: "x" }] }, true],
  [{ queryParams: [{ name: "q", match: exact("1") }] }, { queryParams: [{ name: "q", match: exact("2") }] }, false],
])("under %j a rule for %j holds: %s", (outer, inner, holds) => {
  const { rules, conflicts } = delegated(
    { ...root, matches: [match(outer)] },
    { http: [rule({ matches: [match(inner)] })] },
  );
  expect([rules.length, conflicts]).toEqual(holds ? [1, []] : [0, [0]]);
});

test("there is one level of delegation only", () => {
  expect(delegated(root, { http: [{ ...root }] })).toEqual({ rules: [], conflicts: [] });
});
