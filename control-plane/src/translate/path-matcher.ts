import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PathMatcherSchema } from "../envoy-api/gen/envoy/type/matcher/v3/path_pb.js";
import type { PathMatch } from "../model/authorization-policy.js";

type PathMatcherInit = MessageInitShape<typeof PathMatcherSchema>;

/** Parameters of a segment, `;jsessionid=1`: many apps take them away before they look at the path. */
const PARAMETERS = "(?:;[^/]*)?";

/**
 * A path without its query. `wide`: also as apps may understand it, with parameters in its segments and characters
 * written as `%61`; for rules that refuse, which must not be walked around.
 */
export function pathMatcher(match: PathMatch, wide: boolean): PathMatcherInit {
  return regexMatcher(pathRegex(match, wide));
}

export function regexMatcher(regex: string): PathMatcherInit {
  return {
    rule: { case: "path", value: { matchPattern: { case: "safeRegex", value: { regex } } } },
  };
}

/** The same as a pattern of RE2 for the whole path. */
export function pathRegex(match: PathMatch, wide: boolean): string {
  const text = wide ? wideText : quote;
  const end = wide ? PARAMETERS : "";
  switch (match.kind) {
    case "exact":
      return text(match.value) + end;
    case "prefix":
      return `${text(match.value)}.*`;
    case "suffix":
      return `.*${text(match.value)}${end}`;
    case "present":
      return ".+";
    case "template":
      return template(match.value, text) + end;
  }
}

function template(value: string, text: (literal: string) => string): string {
  return value
    .split(/(\{\*\*?\})/)
    .map((part) => (part === "{*}" ? "[^/]+" : part === "{**}" ? ".*" : text(part)))
    .join("");
}

/** A text as RE2 takes it literally. */
export function quote(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function wideText(text: string): string {
  let regex = "";
  for (const [index, char] of [...text].entries()) {
    if (char === "/" && index > 0) regex += PARAMETERS;
    // A slash that is written so is refused anyway.
    regex += char === "/" ? char : `(?:${quote(char)}|${percentEncoded(char)})`;
  }
  return regex;
}

function percentEncoded(char: string): string {
  return [...new TextEncoder().encode(char)]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .map(
      (hex) => `%${[...hex].map((digit) => (/\d/.test(digit) ? digit : `[${digit}${digit.toUpperCase()}]`)).join("")}`,
    )
    .join("");
}

/**
 * Paths that apps understand in different ways: encoded slashes and backslashes, encoded zeros, slashes and dots in
 * overlong UTF-8, and segments of dots, or of nothing, that Envoy does not resolve because they are encoded or have
 * parameters. Envoy has resolved `//`, `/./` and `/../` before.
 */
export const AMBIGUOUS_PATH = [
  ".*(?:%2[fF]|%5[cC]|%00|%[cC]0%[aA][eEfF]|\\\\).*",
  "(?:.*/)?(?:\\.|%2[eE]){0,2}(?:;|%3[bB]).*",
  "(?:.*/)?(?:\\.|%2[eE]){1,2}(?:/.*)?",
].join("|");
