import { canonicalJson } from "../model/compare.js";
import { child, type Field, isObject, refuse } from "./fields.js";

const MAX_CONFIG_BYTES = 256 * 1024;
const MAX_DEPTH = 32;

/** The configuration of a plugin as canonical JSON. Messages never show its values, which may be secrets. */
export function readPluginConfig(field: Field): string | undefined {
  if (!isObject(field.value))
    return refuse(field, "WrongType", "is not an object", "write pluginConfig as an object with named fields");
  if (!isJson(field, 0)) return undefined;
  const config = canonicalJson(field.value);
  const bytes = Buffer.byteLength(config);
  if (bytes <= MAX_CONFIG_BYTES) return config;
  return refuse(field, "TooLarge", `has ${bytes} bytes`, `use at most ${MAX_CONFIG_BYTES}`);
}

/** Whether JSON holds the value exactly. */
function isJson(field: Field, depth: number): boolean {
  const { value } = field;
  if (depth > MAX_DEPTH) {
    refuse(field, "TooLarge", "is nested too deeply", `use at most ${MAX_DEPTH} levels`);
    return false;
  }
  if (typeof value === "number") return isExact(field, value);
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (Array.isArray(value))
    return value.map((item: unknown, position) => isJson(child(field, position, item), depth + 1)).every(Boolean);
  if (isObject(value))
    return Object.entries(value)
      .map(([name, item]) => isJson(child(field, name, item), depth + 1))
      .every(Boolean);
  refuse(field, "WrongType", "is nothing that JSON can hold", "write a string, number, boolean, list or object");
  return false;
}

function isExact(field: Field, value: number): boolean {
  if (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))) return true;
  refuse(field, "OutOfRange", "is a number that JSON cannot hold exactly", "write it in quotes, as a string");
  return false;
}
