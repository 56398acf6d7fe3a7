import type { StringMatcher } from "../envoy-api/gen/envoy/type/matcher/v3/string_pb.js";
import type { Told } from "./told.js";

/** https://www.envoyproxy.io/docs/envoy/v1.40.0/api-v3/type/matcher/v3/string.proto */
export function matchesString({ matchPattern, ignoreCase }: StringMatcher, text: string): Told {
  const fold = (value: string) => (ignoreCase ? value.toLowerCase() : value);
  switch (matchPattern.case) {
    case "exact":
      return fold(text) === fold(matchPattern.value);
    case "prefix":
      return fold(text).startsWith(fold(matchPattern.value));
    case "suffix":
      return fold(text).endsWith(fold(matchPattern.value));
    case "contains":
      return fold(text).includes(fold(matchPattern.value));
    case "safeRegex":
      return matchesRegex(matchPattern.value.regex, text);
    default:
      return undefined;
  }
}

const ASCII = /^[\x20-\x7e]*$/;

/**
 * Whether a pattern of RE2 takes the whole text. JavaScript in its strict mode refuses most of what only RE2 knows
 * (`\A`, `(?s)`, `[[:alpha:]]`; `(?i)` in front is the same as its own flag), and the two agree on the rest for printable ASCII; else it cannot be told.
 */
export function matchesRegex(regex: string, text: string): Told {
  if (!ASCII.test(text) || !ASCII.test(regex)) return undefined;
  const isFolded = regex.startsWith("(?i)");
  try {
    return new RegExp(`^(?:${isFolded ? regex.slice("(?i)".length) : regex})$`, isFolded ? "iu" : "u").test(text);
  } catch {
    return undefined;
  }
}
