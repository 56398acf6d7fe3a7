import type { HeaderMatch, HttpMatch, QueryParamMatch } from "../model/http-route.js";
import type { StringMatch } from "../model/string-match.js";
import {
  child,
  type Field,
  type ObjectFields,
  type Reader,
  readBoolean,
  readMap,
  readObject,
  readPort,
  readString,
  refuse,
  show,
} from "./fields.js";
import { type ELSEWHERE, readMatchGateways } from "./gateways.js";
import { readHeaderName } from "./http-header.js";
import { readDnsLabel, readLabels } from "./names.js";
import { readStringMatch, readStringMatchOrPresent } from "./string-match.js";

const HEADER_NAME = readHeaderName("match on uri, method, scheme or authority instead");

/**
 * One that is for gateways only never holds in the mesh.
 * https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest
 */
export const readHttpMatch: Reader<HttpMatch | typeof ELSEWHERE> = readObject((fields, field) => {
  const where = readMatchGateways(fields);
  const name = fields.optional("name", readString(253));
  const uri = fields.optional("uri", readStringMatch);
  const ignoreUriCase = fields.optional("ignoreUriCase", readBoolean);
  const method = fields.optional("method", readStringMatch);
  const scheme = fields.optional("scheme", readStringMatch);
  const authority = fields.optional("authority", readStringMatch);
  const headers = fields.optional("headers", readHeaders(false)) ?? [];
  const withoutHeaders = fields.optional("withoutHeaders", readHeaders(true)) ?? [];
  const queryParams = fields.optional("queryParams", readQueryParams) ?? [];
  const port = fields.optional("port", readPort);
  const source = readSource(fields);
  const statPrefix = fields.optional("statPrefix", readStatPrefix);
  if (uri !== undefined) warnPath(uri, ignoreUriCase ?? false, field);
  if (where !== undefined) return where;
  return {
    headers: [...headers, ...withoutHeaders],
    queryParams,
    ...(name !== undefined && { name }),
    ...(uri !== undefined && { uri }),
    ...(ignoreUriCase && { ignoreUriCase }),
    ...(method !== undefined && { method }),
    ...(scheme !== undefined && { scheme }),
    ...(authority !== undefined && { authority }),
    ...(port !== undefined && { port }),
    ...source,
    ...(statPrefix !== undefined && { statPrefix }),
  };
});

/** Whom a match is for: also a part of the matches of connections. */
export function readSource(fields: ObjectFields): Pick<HttpMatch, "sourceLabels" | "sourceNamespace"> {
  const sourceLabels = fields.optional("sourceLabels", readLabels);
  const sourceNamespace = fields.optional("sourceNamespace", readDnsLabel);
  return {
    ...(sourceLabels !== undefined && Object.keys(sourceLabels).length > 0 && { sourceLabels: { ...sourceLabels } }),
    ...(sourceNamespace !== undefined && { sourceNamespace }),
  };
}

function readHeaders(invert: boolean): Reader<HeaderMatch[]> {
  return (field) => {
    const map = readMap(HEADER_NAME, readStringMatchOrPresent)(field);
    if (map === undefined) return undefined;
    const names = Object.keys(field.value as object).map((name) => name.toLowerCase());
    const twice = names.find((name, position) => names.indexOf(name) !== position);
    if (twice !== undefined)
      return refuse(
        field,
        "DuplicateName",
        `names the header ${twice} twice`,
        "header names ignore case; keep one of them",
      );
    return Object.entries(map).map(([name, match]) => ({
      name,
      ...(match !== "present" && { match }),
      ...(invert && { invert }),
    }));
  };
}

function readQueryParams(field: Field): QueryParamMatch[] | undefined {
  const map = readMap(readString(), readStringMatchOrPresent)(field);
  if (map === undefined) return undefined;
  return Object.entries(map).map(([name, match]) => ({ name, ...(match !== "present" && { match }) }));
}

const readStatPrefix: Reader<string> = (field) => {
  const prefix = readString(253)(field);
  if (prefix === undefined || /^[\w.-]+$/.test(prefix)) return prefix;
  return refuse(field, "InvalidName", `${show(prefix)} is not a prefix of metrics`, "use letters, digits, _, - and .");
};

function warnPath(uri: StringMatch, ignoreCase: boolean, field: Field): void {
  const at = child(child(field, "uri", uri), uri.kind, uri.value);
  if (uri.kind === "regex") {
    if (ignoreCase)
      field.problems.warning(
        [...field.path, "ignoreUriCase"],
        "IgnoredField",
        "does nothing for a regex",
        "begin the regex with (?i)",
      );
    return;
  }
  if (uri.value.startsWith("/") || (uri.kind === "exact" && uri.value === "*")) return;
  field.problems.warning(
    at.path,
    "NeverMatches",
    `${show(uri.value)} does not begin with /, as every path does`,
    "add the /",
  );
}
