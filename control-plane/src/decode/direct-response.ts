import type { DirectResponse } from "../model/http-route.js";
import { type Field, type Reader, readAnyString, readInteger, readObject, refuse } from "./fields.js";

/** As in Istio. */
const MAX_BODY_BYTES = 1024 * 1024;
const LARGE_BODY_BYTES = 100 * 1024;

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPDirectResponse */
export const readDirectResponse: Reader<DirectResponse> = readObject((fields) => {
  const status = fields.required("status", readInteger(200, 599), "say with which status to answer");
  const body = fields.optional("body", readBody);
  return status === undefined ? undefined : { status, ...(body !== undefined && { body }) };
});

const readBody = readObject((fields, field): DirectResponse["body"] => {
  const text = fields.optional("string", readAnyString(MAX_BODY_BYTES));
  const base64 = fields.optional("bytes", readBase64);
  if (fields.has("string") === fields.has("bytes"))
    return refuse(field, "InvalidValue", "has neither string nor bytes, or both", "give one of string and bytes");
  const kind = text === undefined ? "base64" : "text";
  const value = text ?? base64;
  if (value === undefined) return undefined;
  const size = Buffer.byteLength(value, kind === "base64" ? "base64" : "utf8");
  if (size > MAX_BODY_BYTES)
    return refuse(field, "TooLarge", `has ${size} bytes`, `use at most ${MAX_BODY_BYTES}, or let a service answer`);
  if (size > LARGE_BODY_BYTES)
    field.problems.warning(
      field.path,
      "LargeBody",
      `has ${size} bytes, which every proxy holds in memory`,
      "let a service answer",
    );
  return { kind, value };
});

function readBase64(field: Field): string | undefined {
  const text = readAnyString(Math.ceil(MAX_BODY_BYTES / 3) * 4)(field);
  if (text === undefined || (text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text))) return text;
  return refuse(field, "InvalidValue", "is not base64", "encode the bytes, or use string");
}
