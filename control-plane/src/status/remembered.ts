import type { ServedPlugin } from "../model/module-state.js";
import { objectKey } from "../model/object-ref.js";
import { type MetricDefinition, PHASES, type PluginManifest } from "../model/plugin-manifest.js";
import type { Verified } from "../model/verification.js";
import { isRecord, type StoredStatus } from "./document.js";
import type { LastGood } from "./plugin-status.js";

/** What a plugin's status says of the past. */
export interface RememberedPlugin {
  /** Without bytes; they come from the cache or the registry. */
  readonly lastGood?: ServedPlugin;
  readonly rejected: readonly { readonly version: string; readonly message: string }[];
}

/** Reads the memory out of the statuses of plugins, by plugin key. What is not whole is left out. */
export function rememberedPlugins(statuses: readonly StoredStatus[]): ReadonlyMap<string, RememberedPlugin> {
  const remembered = new Map<string, RememberedPlugin>();
  for (const { object, status } of statuses) {
    if (object.kind !== "WasmPlugin") continue;
    const lastGood = lastGoodFrom(status.lastGood);
    const rejected = Array.isArray(status.rejected) ? status.rejected.filter(isRejection) : [];
    remembered.set(objectKey(object), { rejected, ...(lastGood === undefined ? {} : { lastGood }) });
  }
  return remembered;
}

/** A version as a status has it, without its bytes; undefined when it is not whole. */
export function lastGoodFrom(value: unknown): ServedPlugin | undefined {
  if (!isLastGood(value)) return undefined;
  const {
    resourceVersion: version,
    digest,
    wasmSha256,
    servedSha256,
    memoryBytes,
    capabilities,
    env,
    verified,
    unproven,
    url,
    manifest,
    metrics,
    rootId,
    config,
    vmId,
    failStrategy,
  } = value;
  const limits = { servedSha256, memoryBytes, capabilities, env };
  const trust = { verified, ...(unproven === undefined ? {} : { unproven }) };
  const identity = { version, digest, wasmSha256, url, rootId, config, vmId };
  return { ...identity, ...limits, ...trust, manifest, metrics, failStrategy };
}

/** A status file is also text that people can edit: what translation relies on is looked at. */
function isLastGood(value: unknown): value is LastGood {
  if (!isRecord(value) || !isManifest(value.manifest)) return false;
  return (
    hasTexts(value, ["resourceVersion", "digest", "wasmSha256", "servedSha256", "url", "rootId", "config", "vmId"]) &&
    Number.isSafeInteger(value.memoryBytes) &&
    areTexts(value.capabilities) &&
    isRecord(value.env) &&
    hasTexts(value.env, Object.keys(value.env)) &&
    isVerified(value.verified) &&
    (value.unproven === undefined || typeof value.unproven === "string") &&
    Array.isArray(value.metrics) &&
    value.metrics.every(isMetric) &&
    isOneOf(value.failStrategy, ["FAIL_CLOSE", "FAIL_OPEN"])
  );
}

function isVerified(value: unknown): value is Verified {
  if (!isRecord(value) || !areTexts(value.keys) || !areTexts(value.beyond)) return false;
  const { warnings } = value;
  return Array.isArray(warnings) && warnings.every((one) => isRecord(one) && hasTexts(one, ["reason", "message"]));
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

function isManifest(value: unknown): value is PluginManifest {
  if (!isRecord(value) || !Array.isArray(value.requires) || !Array.isArray(value.metrics)) return false;
  return (
    hasTexts(value, ["name", "version", "rootId", "stateVersion"]) &&
    isOneOf(value.side, ["client", "server", "both"]) &&
    isOneOf(value.phase, PHASES) &&
    value.requires.every((requirement) => isOneOf(requirement, ["subsetRoutes", "retryBackoff"])) &&
    value.metrics.every(isMetric) &&
    typeof value.builtWithSdk === "boolean" &&
    (value.configSchema === undefined || isRecord(value.configSchema))
  );
}

function isMetric(value: unknown): value is MetricDefinition {
  if (!isRecord(value) || !isRecord(value.labels)) return false;
  return (
    hasTexts(value, ["name"]) &&
    isOneOf(value.type, ["counter", "histogram"]) &&
    (value.value === undefined || typeof value.value === "string") &&
    (value.protocol === undefined || isOneOf(value.protocol, ["http", "tcp"])) &&
    (value.when === undefined || isOneOf(value.when, ["start", "end"])) &&
    (value.countedBy === undefined || isOneOf(value.countedBy, ["proxy", "plugin"])) &&
    (value.failure === undefined || typeof value.failure === "boolean") &&
    hasTexts(value.labels, Object.keys(value.labels))
  );
}

function hasTexts(value: Readonly<Record<string, unknown>>, fields: readonly string[]): boolean {
  return fields.every((field) => typeof value[field] === "string");
}

function isOneOf(value: unknown, known: readonly string[]): boolean {
  return typeof value === "string" && known.includes(value);
}

function isRejection(value: unknown): value is { version: string; message: string } {
  return isRecord(value) && typeof value.version === "string" && typeof value.message === "string";
}
