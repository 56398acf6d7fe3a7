import type { StringMatch } from "../model/string-match.js";
import { type Field, isObject, type Reader, readAnyString, readObject, readString, refuse, show } from "./fields.js";
import { regexProblem } from "./regex.js";

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/#StringMatch */
export const readStringMatch: Reader<StringMatch> = (field) =>
  readObject((fields): StringMatch | undefined => {
    const exact = fields.optional("exact", readAnyString());
    const prefix = fields.optional("prefix", readString());
    const regex = fields.optional("regex", readRegex);
    const given = ["exact", "prefix", "regex"].filter((name) => fields.has(name));
    if (given.length !== 1) {
      const found = given.length === 0 ? "has none of exact, prefix and regex" : `has ${given.join(" and ")}`;
      return refuse(field, "InvalidValue", found, "give exactly one of exact, prefix and regex");
    }
    if (exact !== undefined) return { kind: "exact", value: exact };
    if (prefix !== undefined) return { kind: "prefix", value: prefix };
    return regex === undefined ? undefined : { kind: "regex", value: regex };
  })(field);

/** A match that may also ask only whether there is a value, as an empty object or, as in Istio, by the regex `*`. */
export const readStringMatchOrPresent: Reader<StringMatch | "present"> = (field) => {
  if (isObject(field.value)) {
    const names = Object.keys(field.value);
    if (names.length === 0 || (names.length === 1 && field.value.regex === "*")) return "present";
  }
  return readStringMatch(field);
};

/** A pattern of RE2. */
export function readRegex(field: Field): string | undefined {
  const regex = readString()(field);
  const problem = regex === undefined ? undefined : regexProblem(regex);
  if (problem === undefined) return regex;
  return refuse(
    field,
    "InvalidRegex",
    `${show(regex)} is not a pattern of RE2: ${problem}`,
    "see https://github.com/google/re2/wiki/Syntax",
  );
}
