import { type DecodeResult, decodeObject } from "../decode/decode.js";
import { isObject } from "../decode/fields.js";
import { canonicalJson } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { Plugin } from "../model/plugin.js";
import type { AdmissionAnswer, AdmissionRequest } from "./admission-review.js";
import type { JsonObject } from "./json.js";

/** What is known of a plugin beyond its object: its image's schema, and whether it was ever ready. Never rejects. */
export type ReviewPlugin = (plugin: Plugin) => Promise<readonly Diagnostic[]>;

/**
 * Groups that others act on too: what we cannot do with an object of theirs is said, and the object is admitted. Status
 * conditions of the Gateway API are for what is wrong with a route.
 */
const SHARED_GROUPS: readonly string[] = ["", "gateway.networking.k8s.io"];

/** Whether an object may be written, by what the decoder says of it. */
export async function reviewObject(request: AdmissionRequest, reviewPlugin?: ReviewPlugin): Promise<AdmissionAnswer> {
  const { object, oldObject } = request;
  // Its finalizers must come off, whatever it says.
  if (isObject(object.metadata) && object.metadata.deletionTimestamp) return { allowed: true, warnings: [] };
  const decoded = decodeObject(named(request));
  const found = [...diagnosticsOf(decoded), ...(await pluginDiagnostics(decoded, reviewPlugin))];
  const isWrong = found.some(({ severity }) => severity === "error");
  const mayStay = isShared(object) || (oldObject !== undefined && saysTheSame(object, oldObject));
  if (isWrong && !mayStay) return { allowed: false, diagnostics: found };
  return { allowed: true, warnings: found };
}

function diagnosticsOf(decoded: DecodeResult): readonly Diagnostic[] {
  return decoded.ok ? decoded.warnings : decoded.diagnostics;
}

async function pluginDiagnostics(decoded: DecodeResult, review?: ReviewPlugin): Promise<readonly Diagnostic[]> {
  if (!decoded.ok || decoded.object.kind !== "WasmPlugin" || review === undefined) return [];
  const found = await review(decoded.object.value);
  return found.map((diagnostic) => ({ object: decoded.ref, ...diagnostic }));
}

/** With the name and namespace that the API server will give it. */
function named({ object, namespace }: AdmissionRequest): JsonObject {
  const metadata = isObject(object.metadata) ? (object.metadata as JsonObject) : {};
  const { name, generateName } = metadata;
  const made = typeof generateName === "string" ? `${generateName}x` : "";
  return {
    ...object,
    metadata: { namespace, ...metadata, name: typeof name === "string" && name !== "" ? name : made },
  };
}

function isShared({ apiVersion }: JsonObject): boolean {
  const text = typeof apiVersion === "string" ? apiVersion : "";
  return SHARED_GROUPS.includes(text.includes("/") ? text.slice(0, text.indexOf("/")) : "");
}

/** An object that is wrong already, and of which something else is changed, for example a label by a controller. */
function saysTheSame(object: JsonObject, oldObject: JsonObject): boolean {
  return canonicalJson(object.spec ?? null) === canonicalJson(oldObject.spec ?? null);
}
