import { parseDocument } from "yaml";
import { formatDiagnostic } from "../model/diagnostic.js";
import { PHASES, type PluginManifest } from "../model/plugin-manifest.js";
import {
  isObject,
  type ObjectFields,
  type Reader,
  readAnyString,
  readInteger,
  readList,
  readOneOf,
  readOpenObject,
  readString,
  refuse,
} from "./fields.js";
import { readOpenMetric } from "./metric.js";
import { createProblems } from "./problems.js";

export type PluginManifestResult =
  | { readonly ok: true; readonly manifest: PluginManifest }
  /** Each message names the field and says what to do. */
  | { readonly ok: false; readonly messages: readonly string[] };

/** Larger manifests are refused unread. */
export const MAX_MANIFEST_BYTES = 256 * 1024;

/** The name under which our SDK's build marks what it made. */
const SDK_NAME = "@weft/sdk";

/**
 * Decodes the `plugin.yaml` of an image. The image may be newer than we are, so fields that we do not know are let be;
 * but a requirement that we do not know is refused, because the plugin would not do what it is meant to.
 */
export function decodePluginManifest(text: string): PluginManifestResult {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_MANIFEST_BYTES)
    return { ok: false, messages: [`plugin.yaml has ${bytes} bytes; at most ${MAX_MANIFEST_BYTES} are read`] };
  const document = parseDocument(text, { prettyErrors: true, stringKeys: true, logLevel: "error" });
  if (document.errors.length > 0)
    return { ok: false, messages: document.errors.slice(0, 10).map(({ message }) => `plugin.yaml: ${message}`) };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    return { ok: false, messages: [`plugin.yaml: ${error instanceof Error ? error.message : String(error)}`] };
  }
  const problems = createProblems(undefined, { file: "plugin.yaml" });
  const manifest = readManifest({ value, path: [], problems });
  if (manifest !== undefined && !problems.hasErrors) return { ok: true, manifest };
  return { ok: false, messages: problems.list.map(formatDiagnostic) };
}

const readManifest: Reader<PluginManifest> = readOpenObject((fields) => {
  const name = fields.required("name", readString(253), "name the plugin");
  const rootId = fields.required("rootId", readString(256), "write the root id that the module registers");
  const version = fields.optional("version", readAnyString(128)) ?? "";
  const side = fields.optional("side", readOneOf(["client", "server", "both"])) ?? "both";
  const phase = fields.optional("phase", readOneOf(PHASES)) ?? "default";
  const stateVersion = fields.optional("stateVersion", readStateVersion) ?? "1";
  const requires =
    fields.optional("requires", readList(readOneOf(["subsetRoutes", "retryBackoff"]), { max: 16 })) ?? [];
  const metrics = fields.optional("metrics", readList(readOpenMetric, { max: 100 })) ?? [];
  const configSchema = fields.optional("configSchema", readSchema);
  fields.optional("abi", readAbi);
  return {
    name: name ?? "",
    version,
    rootId: rootId ?? "",
    side,
    phase,
    stateVersion,
    requires: [...new Set(requires)],
    metrics,
    builtWithSdk: isBuiltWithSdk(fields),
    ...(configSchema !== undefined && { configSchema }),
  };
});

/** The build writes whole numbers; anything else that can stand in a vm_id is as good. */
const readStateVersion: Reader<string> = (field) => {
  if (typeof field.value === "number") return readInteger(0, Number.MAX_SAFE_INTEGER)(field)?.toString();
  const text = readString(64)(field);
  if (text === undefined || /^[\w.+-]+$/.test(text)) return text;
  return refuse(
    field,
    "InvalidValue",
    "has characters that cannot stand in a VM's name",
    "write a number, for example 2",
  );
};

const readAbi: Reader<string> = (field) => {
  const text = readString(64)(field);
  if (text === undefined || /^0\.2\.\d+$/.test(text)) return text;
  return refuse(field, "UnsupportedValue", `is ${text}`, "build the plugin for Proxy-Wasm 0.2.x");
};

const readSchema: Reader<Readonly<Record<string, unknown>>> = (field) =>
  isObject(field.value) ? field.value : refuse(field, "WrongType", "is not an object", "write a JSON Schema");

function isBuiltWithSdk(fields: ObjectFields): boolean {
  const sdk = fields.optional("sdk", (field) => field.value);
  return isObject(sdk) && sdk.name === SDK_NAME;
}
