import type { HeaderMatch, HttpMatch } from "../model/http-route.js";
import type { StringMatch } from "../model/string-match.js";
import {
  type Field,
  isObject,
  type Reader,
  readAnyString,
  readMap,
  readObject,
  readString,
  refuse,
  show,
} from "./fields.js";
import { readMeshGateways } from "./gateways.js";
import { regexProblem } from "./regex.js";

const LATER = "remove it; it comes with a later version";
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest */
export const readHttpMatch: Reader<HttpMatch> = readObject((fields, field) => {
  fields.unsupported({
    authority: LATER,
    ignoreUriCase: LATER,
    name: LATER,
    port: LATER,
    queryParams: LATER,
    scheme: LATER,
    sourceLabels: LATER,
    sourceNamespace: LATER,
    statPrefix: LATER,
    withoutHeaders: LATER,
  });
  fields.optional("gateways", readMeshGateways);
  const uri = fields.optional("uri", readStringMatch);
  const method = fields.optional("method", readStringMatch);
  const headers = fields.optional("headers", readHeaders) ?? [];
  if (uri !== undefined) warnPath(uri, field);
  return { headers, queryParams: [], ...(uri !== undefined && { uri }), ...(method !== undefined && { method }) };
});

function readHeaders(field: Field): HeaderMatch[] | undefined {
  const map = readMap(readHeaderName, readHeaderMatch)(field);
  if (map === undefined) return undefined;
  const headers = Object.values(map);
  const names = headers.map(({ name }) => name);
  const twice = names.find((name, position) => names.indexOf(name) !== position);
  if (twice === undefined) return headers;
  return refuse(
    field,
    "DuplicateName",
    `names the header ${twice} twice`,
    "header names ignore case; keep one of them",
  );
}

const readHeaderName: Reader<string> = (field) => {
  const name = readString(256)(field);
  if (name === undefined || TOKEN.test(name)) return name;
  const hint = name.startsWith(":")
    ? "match on uri or method instead"
    : "write the name of a header, for example x-canary";
  return refuse(field, "InvalidName", `${show(name)} is not the name of a header`, hint);
};

/** An empty match asks only that the header is there. */
function readHeaderMatch(field: Field): HeaderMatch | undefined {
  const name = String(field.path.at(-1)).toLowerCase();
  if (isObject(field.value) && Object.keys(field.value).length === 0) return { name };
  const match = readStringMatch(field);
  return match === undefined ? undefined : { name, match };
}

const readStringMatch: Reader<StringMatch> = (field) =>
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

const readRegex: Reader<string> = (field) => {
  const regex = readString()(field);
  const problem = regex === undefined ? undefined : regexProblem(regex);
  if (problem === undefined) return regex;
  return refuse(
    field,
    "InvalidRegex",
    `${show(regex)} is not a pattern of RE2: ${problem}`,
    "see https://github.com/google/re2/wiki/Syntax",
  );
};

function warnPath(uri: StringMatch, field: Field): void {
  if (uri.kind === "regex" || uri.value.startsWith("/") || (uri.kind === "exact" && uri.value === "*")) return;
  const path = [...field.path, "uri", uri.kind];
  field.problems.warning(
    path,
    "NeverMatches",
    `${show(uri.value)} does not begin with /, as every path does`,
    "add the /",
  );
}
