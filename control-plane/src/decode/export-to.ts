import type { ObjectFields } from "./fields.js";
import { type Reader, readList, readOneOf } from "./fields.js";

const EVERYWHERE: Reader<"*"[]> = readList(
  readOneOf(["*"], { ".": "remove exportTo; objects are seen in every namespace for now" }),
);

/** `exportTo` may say what holds anyway: seen everywhere. */
export function readExportTo(fields: ObjectFields): void {
  fields.optional("exportTo", EVERYWHERE);
}
