import type { PathRewrite, Rewrite } from "../model/http-route.js";
import { readAuthority, readRequestPath } from "./authority.js";
import { child, type Reader, readAnyString, readObject, refuse, show } from "./fields.js";
import { regexGroups } from "./regex.js";
import { readRegex } from "./string-match.js";

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRewrite */
export const readRewrite: Reader<Rewrite> = readObject((fields, field) => {
  const uri = fields.optional("uri", readRequestPath);
  const regex = fields.optional("uriRegexRewrite", readRegexRewrite);
  const authority = fields.optional("authority", readAuthority);
  if (fields.has("uri") && fields.has("uriRegexRewrite"))
    refuse(field, "Conflict", "has uri and uriRegexRewrite", "keep one of them");
  if (!["uri", "uriRegexRewrite", "authority"].some((name) => fields.has(name)))
    return refuse(field, "InvalidValue", "changes nothing", "give uri, uriRegexRewrite or authority");
  const path: PathRewrite | undefined = uri === undefined ? regex : { kind: "prefix", value: uri };
  return { ...(path !== undefined && { path }), ...(authority !== undefined && { authority }) };
});

const readRegexRewrite: Reader<PathRewrite> = readObject((fields, field) => {
  const regex = fields.required("match", readRegex, "give the pattern of what is replaced");
  const substitution = fields.required("rewrite", readAnyString(), "say what takes its place");
  if (regex === undefined || substitution === undefined) return undefined;
  const problem = substitutionProblem(substitution, regexGroups(regex));
  if (problem === undefined) return { kind: "regex", regex, substitution };
  return refuse(
    child(field, "rewrite", substitution),
    "InvalidValue",
    `${show(substitution)} ${problem}`,
    "\\1 to \\9 stand for groups of match, \\0 for all of it, and \\\\ for a \\",
  );
});

function substitutionProblem(text: string, groups: number): string | undefined {
  if (/[^\x21-\x7e]/.test(text)) return "has characters that no path has";
  for (const [, escaped = ""] of text.matchAll(/\\(.?)/g)) {
    if (escaped === "\\") continue;
    if (!/^\d$/.test(escaped)) return "has a \\ before something else than a digit";
    if (Number(escaped) > groups) return `names the group ${escaped}, and match has ${groups}`;
  }
  return undefined;
}
