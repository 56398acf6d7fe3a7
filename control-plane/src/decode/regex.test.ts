import { expect, test } from "vitest";
import { regexProblem } from "./regex.js";

test.each([
  "/a.*",
  "^/v[0-9]+/(?:a|b)?$",
  "(?i)abc",
  "(?i:abc)(?P<n>x)(?<m>y)",
  "a{2,3}b{4}c{5,}d{e}f{,2}",
  "a{1000}",
  "[[:alpha:]_-]+",
  "[^]a-]",
  "[]a]",
  "[a-c-]",
  "\\d\\w\\s\\pL\\p{Greek}\\x41\\x{fF}\\.\\/",
  "\\Qa(b\\E.*",
  "a|b|",
  "()",
  "",
  "a*?b+?c??",
  "(?)a",
  "[\\d-z]",
  "(?P<1a>x)",
])("%j is a pattern of RE2", (pattern) => {
  expect(regexProblem(pattern)).toBeUndefined();
});

test.each([
  "(",
  ")",
  "(?",
  "a)",
  "[a",
  "[",
  "[]",
  "*a",
  "a|*",
  "a**",
  "a+{2}",
  "a{1001}",
  "a{3,2}",
  "(a{100}){100}",
  "(?=a)",
  "(?!a)",
  "(?<=a)",
  "(?<!a)",
  "(?>a)",
  "(?#a)",
  "(a)\\1",
  "\\",
  "\\y",
  "[\\b]",
  "[z-a]",
  "[[:foo:]]",
  "\\x{100}",
  "\\p{Nope}",
  "(?-)a",
  "é",
  "a\nb",
  "\\p{",
])("%j is none", (pattern) => {
  expect(regexProblem(pattern)).toBeTypeOf("string");
});

test("nesting has a bound", () => {
  expect(regexProblem(`${"(".repeat(500)}${")".repeat(500)}`)).toContain("nested");
});
