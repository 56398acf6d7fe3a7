import { compareStrings } from "../model/compare.js";
import { type ObjectFields, type Reader, readList, readOneOf, refuse } from "./fields.js";
import { readDnsLabel } from "./names.js";

const EVERYWHERE: Reader<"*"[]> = readList(
  readOneOf(["*"], { ".": "remove exportTo; objects are seen in every namespace for now" }),
);

/** `exportTo` may say what holds anyway: seen everywhere. */
export function readExportTo(fields: ObjectFields): void {
  fields.optional("exportTo", EVERYWHERE);
}

/**
 * The namespaces whose callers see an object, sorted: `*` stands for all, `.` for the object's own, `~` for none.
 * Without the field all see it.
 */
export function readExportNamespaces(namespace: string): Reader<readonly string[]> {
  const readOne: Reader<string> = (field) => {
    if (field.value === ".") return namespace;
    return field.value === "*" || field.value === "~" ? field.value : readDnsLabel(field);
  };
  return (field) => {
    const names = readList(readOne, { max: 1000 })(field);
    if (names === undefined) return undefined;
    if (names.includes("~") && names.length > 1)
      return refuse(field, "InvalidValue", "has ~, which is nobody, beside others", "write ~ alone, or leave it out");
    return namespaces(names);
  };
}

/** The same from an annotation, where the namespaces are separated by commas. */
export function exportNamespaces(text: string, namespace: string): Reader<readonly string[]> {
  const items = text.split(",").map((item) => item.trim());
  return (field) => readExportNamespaces(namespace)({ ...field, value: items });
}

function namespaces(names: readonly string[]): readonly string[] {
  if (names.length === 0 || names.includes("*")) return EVERYBODY;
  return [...new Set(names.filter((name) => name !== "~"))].sort(compareStrings);
}

/** What `exportTo` is where nothing is said. */
export const EVERYBODY: readonly string[] = ["*"];
