import { isMap, isNode, LineCounter, type Pair, parseDocument } from "yaml";
import type { JsonSchema } from "../transform/json-schema.js";
import { type Diagnostic, position } from "./diagnostic.js";
import {
  type AuthoredManifest,
  FAILURE_SUFFIX,
  type ManifestMetric,
  METRIC_COUNTERS,
  METRIC_MOMENTS,
  METRIC_PROTOCOLS,
  METRIC_TYPES,
  PHASES,
  type PluginManifest,
  REQUIREMENTS,
  SIDES,
} from "./manifest.js";

/** Manifests come from images, too: larger ones are refused unread. */
export const MAX_PLUGIN_YAML_BYTES = 256 * 1024;
const MAX_METRICS = 64;
const MAX_LABELS = 32;
const MAX_NAMES = 256;
const MAX_FORMAT_LENGTH = 1024;
const MAX_ALIASES = 0;

/** The author's part is always there; what the build adds is there in a manifest out of an image. */
export type ParsedManifest = AuthoredManifest & Partial<PluginManifest>;

/** The manifest, or what is wrong with it. */
export type ParsePluginYamlResult = { ok: true; manifest: ParsedManifest } | { ok: false; diagnostics: Diagnostic[] };

type Fields = Record<string, unknown>;

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const FUNCTION_NAME = /^[a-z][a-z0-9_]*$/;
const METRIC_FIELDS = ["name", "type", "value", "labels", "protocol", "when", "countedBy", "failure"];
/** They say how a proxy counts a series. */
const PROXY_FIELDS = ["value", "labels", "protocol", "when"];
const FIELDS = [
  "name",
  "version",
  "description",
  "rootId",
  "abi",
  "side",
  "phase",
  "stateVersion",
  "requires",
  "metrics",
  "sdk",
  "capabilities",
  "callbacks",
  "configSchema",
];

/** Reads plugin.yaml, the author's or an image's. Unknown fields are refused. Every mistake is reported, with its line. */
export function parsePluginYaml(text: string): ParsePluginYamlResult {
  const file = "plugin.yaml";
  if (Buffer.byteLength(text) > MAX_PLUGIN_YAML_BYTES) {
    const message = `the manifest is larger than ${MAX_PLUGIN_YAML_BYTES} bytes`;
    return { ok: false, diagnostics: [{ severity: "error", file, message }] };
  }
  const document = parseDocument(text, { lineCounter: new LineCounter(), prettyErrors: false });
  const diagnostics: Diagnostic[] = document.errors.map((error) => ({
    severity: "error",
    file,
    ...position(text, error.pos[0]),
    message: error.message,
  }));
  const report: ReportField = (path, message) => {
    const offset = offsetOf(document.contents, path);
    const where = offset === undefined ? {} : position(text, offset);
    diagnostics.push({ severity: "error", file, ...where, message });
  };
  if (diagnostics.length > 0) return { ok: false, diagnostics };
  const value = valueOf(() => document.toJS({ maxAliasCount: MAX_ALIASES }), report);
  const fields = diagnostics.length > 0 ? undefined : object(value, [], FIELDS, report);
  const manifest = fields === undefined ? undefined : readManifest(fields, report);
  return diagnostics.length > 0 || manifest === undefined ? { ok: false, diagnostics } : { ok: true, manifest };
}

/**
 * Line and column of a field of plugin.yaml, or of the nearest that is there: `["metrics", 0, "name"]`. Undefined for a
 * text that has nothing of it.
 */
export function fieldPosition(
  text: string,
  path: readonly (string | number)[],
): { line: number; column: number } | undefined {
  const root = parseDocument(text, { prettyErrors: false }).contents;
  const [first] = path;
  if (!isMap(root) || !root.items.some((item) => isNode(item.key) && String(item.key) === first)) return undefined;
  const offset = offsetOf(root, path);
  return offset === undefined ? undefined : position(text, offset);
}

type ReportField = (path: readonly (string | number)[], message: string) => void;

function valueOf(read: () => unknown, report: ReportField): unknown {
  try {
    return read();
  } catch (error) {
    report([], `aliases are not allowed: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/* Where the deepest node on the path begins: its key where it has one. */
function offsetOf(root: unknown, path: readonly (string | number)[]): number | undefined {
  let node = root;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const step of path) {
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find((item) => isNode(item.key) && String(item.key) === step);
      if (pair === undefined) break;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (node !== null && typeof node === "object" && "items" in node && Array.isArray(node.items)) {
      node = node.items[Number(step)];
      if (isNode(node)) offset = node.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}

function readManifest(fields: Fields, report: ReportField): ParsedManifest {
  const text = (key: string, pattern: RegExp, rule: string): string =>
    matching(fields[key], [key], pattern, rule, report);
  const name = text("name", NAME, "lower-case letters, digits and hyphens, at most 63");
  const version = text("version", VERSION, "a semantic version such as 1.2.3");
  return {
    name,
    version,
    ...(fields.description === undefined
      ? {}
      : { description: text("description", /^[^\n]{1,512}$/, "one line of at most 512 characters") }),
    rootId:
      fields.rootId === undefined
        ? name
        : text("rootId", /^[\x21-\x7e]{1,128}$/, "1 to 128 printable characters without spaces"),
    abi: oneOf(fields.abi ?? "0.2.1", ["abi"], ["0.2.1"], report),
    side: oneOf(fields.side ?? "both", ["side"], SIDES, report),
    phase: oneOf(fields.phase ?? "default", ["phase"], PHASES, report),
    stateVersion: stateVersion(fields.stateVersion ?? 1, report),
    requires: list(fields.requires, ["requires"], REQUIREMENTS.length, report).map((item, i) =>
      oneOf(item, ["requires", i], REQUIREMENTS, report),
    ),
    metrics: metrics(fields.metrics, report),
    ...(fields.capabilities === undefined ? {} : { capabilities: names(fields.capabilities, "capabilities", report) }),
    ...(fields.sdk === undefined ? {} : { sdk: sdk(fields.sdk, report) }),
    ...(fields.callbacks === undefined ? {} : { callbacks: names(fields.callbacks, "callbacks", report) }),
    ...(fields.configSchema === undefined ? {} : { configSchema: configSchema(fields.configSchema, report) }),
  };
}

function stateVersion(value: unknown, report: ReportField): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  report(["stateVersion"], `field "stateVersion" is ${show(value)}; it must be an integer from 1`);
  return 1;
}

function metrics(value: unknown, report: ReportField): ManifestMetric[] {
  const seen = new Set<string>();
  return list(value, ["metrics"], MAX_METRICS, report).map((item, i) => {
    const path = ["metrics", i];
    const fields = object(item, path, METRIC_FIELDS, report) ?? {};
    const name = matching(fields.name, [...path, "name"], METRIC_NAME, "a Prometheus metric name", report);
    if (seen.has(name)) report([...path, "name"], `metric "${name}" is declared twice`);
    seen.add(name);
    const type = oneOf(fields.type, [...path, "type"], METRIC_TYPES, report);
    const countedBy = oneOf(fields.countedBy ?? "proxy", [...path, "countedBy"], METRIC_COUNTERS, report);
    if (type === "histogram" && countedBy === "proxy" && fields.value === undefined) {
      report(path, `field "${show([...path, "value"])}" is missing; a histogram needs what it records`);
    }
    const protocol = oneOf(fields.protocol ?? "http", [...path, "protocol"], METRIC_PROTOCOLS, report);
    const when = oneOf(fields.when ?? "end", [...path, "when"], METRIC_MOMENTS, report);
    if (when === "start" && protocol !== "tcp") {
      report([...path, "when"], `metric "${name}" is of HTTP requests, which are counted when they end`);
    }
    const labels = object(fields.labels ?? {}, [...path, "labels"], undefined, report) ?? {};
    const isLabelled = Object.keys(labels).length > 0;
    for (const key of PROXY_FIELDS)
      if (countedBy === "plugin" && (key === "labels" ? isLabelled : fields[key] !== undefined))
        report([...path, key], `metric "${name}" is counted by the plugin; field "${key}" is for those of the proxy`);
    const failure = failureMark(fields, { name, type, countedBy }, path, report);
    if (Object.keys(labels).length > MAX_LABELS) {
      report([...path, "labels"], `metric "${name}" has more than ${MAX_LABELS} labels`);
    }
    return {
      name,
      type,
      ...(fields.value === undefined ? {} : { value: format(fields.value, [...path, "value"], report) }),
      ...(fields.protocol === undefined ? {} : { protocol }),
      ...(fields.when === undefined ? {} : { when }),
      ...(fields.countedBy === undefined ? {} : { countedBy }),
      ...(failure ? { failure } : {}),
      labels: Object.fromEntries(
        Object.entries(labels).map(([label, text]) => {
          const place = [...path, "labels", label];
          if (!LABEL_NAME.test(label)) report(place, `"${label}" is not a Prometheus label name`);
          return [label, format(text, place, report)];
        }),
      ),
    };
  });
}

/* Whether the series is one of failures. What a rollout cannot read, or what says nothing of failures, cannot be. */
function failureMark(
  fields: Fields,
  { name, type, countedBy }: { name: string; type: string; countedBy: string },
  path: readonly (string | number)[],
  report: ReportField,
): boolean {
  const place = [...path, "failure"];
  const { failure = false } = fields;
  if (typeof failure !== "boolean") {
    report(place, `field "${show(place)}" is ${show(failure)}; it must be true or false`);
    return false;
  }
  if (!failure) return false;
  if (type !== "counter") report(place, `metric "${name}" is a ${type}; only a counter can count failures`);
  if (name !== "" && !name.endsWith(FAILURE_SUFFIX)) {
    report([...path, "name"], `metric "${name}" counts failures; the name of such a series ends in ${FAILURE_SUFFIX}`);
  }
  if (countedBy === "proxy" && fields.value === undefined) {
    const help = `give a value that is 0 when all is well, or write "countedBy: plugin"`;
    report(place, `metric "${name}" would count every stream as a failure; ${help}`);
  }
  return true;
}

function format(value: unknown, path: readonly (string | number)[], report: ReportField): string {
  const rule = `an Envoy format string of 1 to ${MAX_FORMAT_LENGTH} characters`;
  return matching(value, path, new RegExp(`^[^\\n]{1,${MAX_FORMAT_LENGTH}}$`), rule, report);
}

function names(value: unknown, key: string, report: ReportField): string[] {
  return list(value, [key], MAX_NAMES, report).map((item, i) =>
    matching(item, [key, i], FUNCTION_NAME, "the name of a function such as proxy_log", report),
  );
}

function sdk(value: unknown, report: ReportField): { name: string; version: string } {
  const fields = value !== null && typeof value === "object" ? (value as Fields) : {};
  const { name, version } = fields;
  if (typeof name === "string" && typeof version === "string") return { name, version };
  report(["sdk"], 'field "sdk" is written by the build and has a name and a version');
  return { name: "", version: "" };
}

function configSchema(value: unknown, report: ReportField): JsonSchema {
  const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
  if (isObject && "type" in value && value.type === "object") return value as JsonSchema;
  report(["configSchema"], 'field "configSchema" must be a JSON schema of type object');
  return { type: "object" };
}

function object(
  value: unknown,
  path: readonly (string | number)[],
  known: readonly string[] | undefined,
  report: ReportField,
): Fields | undefined {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    report(path, path.length === 0 ? "the manifest must be a YAML mapping" : `field "${show(path)}" must be a mapping`);
    return undefined;
  }
  for (const key of Object.keys(value)) {
    if (known === undefined || known.includes(key)) continue;
    report([...path, key], `field "${show([...path, key])}" is unknown; known fields: ${known.join(", ")}`);
  }
  return value as Fields;
}

function list(value: unknown, path: readonly (string | number)[], most: number, report: ReportField): unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.length <= most) return value;
  report(path, `field "${show(path)}" must be a list of at most ${most} items`);
  return [];
}

function matching(
  value: unknown,
  path: readonly (string | number)[],
  pattern: RegExp,
  rule: string,
  report: ReportField,
): string {
  if (typeof value === "string" && pattern.test(value)) return value;
  if (value === undefined) report(path, `field "${show(path)}" is missing; it must be ${rule}`);
  else report(path, `field "${show(path)}" is ${show(value)}; it must be ${rule}`);
  return "";
}

function oneOf<const T extends string>(
  value: unknown,
  path: readonly (string | number)[],
  allowed: readonly [T, ...T[]],
  report: ReportField,
): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  report(path, `field "${show(path)}" is ${show(value)}; it must be ${allowed.join(", ")}`);
  return allowed[0];
}

/* A path as metrics[0].name; any other value as JSON, cut short. */
function show(value: unknown): string {
  if (Array.isArray(value)) {
    return value.map((step, i) => (typeof step === "number" ? `[${step}]` : `${i > 0 ? "." : ""}${step}`)).join("");
  }
  const text = JSON.stringify(value) ?? "missing";
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
