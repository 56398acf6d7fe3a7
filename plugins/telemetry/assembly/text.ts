/** Istio's word for what is not known. */
export const UNKNOWN = "unknown";
/** What stands for all values beyond a limit. */
export const OTHER = "other";
/** Longer values are cut. */
export const MAX_VALUE_LENGTH = 128;

const SEMICOLON = 59;
const QUOTE = 34;
const BACKSLASH = 92;
const DELETE = 127;

/**
 * A text as the value of a label: at most 128 characters, with `_` for control characters, quotes, backslashes and the
 * semicolon, which ends a label in a series' name. An empty one is `unknown`.
 */
export function labelValue(text: string): string {
  if (text.length == 0) return UNKNOWN;
  const length = min(text.length, MAX_VALUE_LENGTH);
  let clean = length == text.length;
  for (let i = 0; i < length && clean; i++) clean = isAllowed(text.charCodeAt(i));
  if (clean) return text;
  let value = "";
  for (let i = 0; i < length; i++) value += isAllowed(text.charCodeAt(i)) ? text.charAt(i) : "_";
  return value;
}

/* Half of a surrogate pair, which a cut can leave, is no text. */
function isAllowed(unit: i32): bool {
  if (unit >= 0xd800 && unit <= 0xdfff) return false;
  return unit >= 32 && unit != SEMICOLON && unit != QUOTE && unit != BACKSLASH && unit != DELETE;
}
