import { canonicalJson } from "../model/compare.js";
import type { JsonObject, JsonValue } from "./json.js";

/** https://www.rfc-editor.org/rfc/rfc6902 */
export type JsonPatchOperation =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: JsonValue }
  | { readonly op: "remove"; readonly path: string };

/** What makes `after` of `before`. Lists that differ are replaced as a whole; in objects only what differs is named. */
export function jsonPatch(before: JsonValue, after: JsonValue): readonly JsonPatchOperation[] {
  return changes(before, after, "");
}

function changes(before: JsonValue, after: JsonValue, path: string): JsonPatchOperation[] {
  if (!isJsonObject(before) || !isJsonObject(after))
    return canonicalJson(before) === canonicalJson(after) ? [] : [{ op: "replace", path, value: after }];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name): JsonPatchOperation[] => {
    const at = `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const [old, value] = [before[name], after[name]];
    if (value === undefined) return old === undefined ? [] : [{ op: "remove", path: at }];
    return old === undefined ? [{ op: "add", path: at, value }] : changes(old, value, at);
  });
}

function isJsonObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
