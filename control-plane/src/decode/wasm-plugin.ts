import { createHash } from "node:crypto";
import { canonicalJson } from "../model/compare.js";
import type { FailStrategy, Plugin, TrafficSelector } from "../model/plugin.js";
import type { Phase } from "../model/plugin-manifest.js";
import { readCallouts } from "./callouts.js";
import {
  type Field,
  type ObjectFields,
  type Reader,
  readAnyString,
  readInteger,
  readList,
  readObject,
  readOneOf,
  readPort,
  readString,
  refuse,
} from "./fields.js";
import type { Metadata } from "./metadata.js";
import { readMetric } from "./metric.js";
import { readPluginConfig } from "./plugin-config.js";
import { readPluginTrust, TRUST_FIELDS_OF_WEFT } from "./plugin-trust.js";
import { type PluginUrl, readPluginUrl } from "./plugin-url.js";
import { readRollout } from "./rollout.js";
import { readSelector } from "./selector.js";
import { readTargets } from "./target-refs.js";

/** Fields of Istio's WasmPlugin. */
const UNSUPPORTED_OF_ISTIO = {
  verificationKey: "remove it; Istio never acted on it, and weft.mesh/v1alpha1 has verification.keys",
};

/** Fields that weft.mesh/v1alpha1 adds to them. */
const FIELDS_OF_WEFT = ["callouts", "metrics", "rollout", ...TRUST_FIELDS_OF_WEFT];

const PHASES: Readonly<Record<string, Phase>> = { AUTHN: "authn", AUTHZ: "authz", STATS: "stats" };

export interface WasmPluginOptions {
  /** `weft` for weft.mesh, `istio` for extensions.istio.io, which has fewer fields. */
  readonly api: "weft" | "istio";
  /** Without a cluster: `file://` is allowed, and the generation is a hash of the spec. */
  readonly standalone: boolean;
}

/** A WasmPlugin. https://istio.io/latest/docs/reference/config/proxy_extensions/wasm-plugin/ */
export function readWasmPlugin(metadata: Metadata, options: WasmPluginOptions): Reader<Plugin> {
  return readObject((fields, field) => {
    readUnsupported(fields, options.api);
    const { namespace, name } = metadata;
    const url = fields.required("url", readPluginUrl(options.standalone), "name the image, for example oci://…");
    const sha256 = readDigest(fields, field, url);
    const priority = fields.optional("priority", readInteger(-(2 ** 31), 2 ** 31 - 1)) ?? 0;
    const match = fields.optional("match", readList(readTraffic, { max: 100 })) ?? [];
    const selector = fields.optional("selector", readSelector);
    const metrics = options.api === "weft" ? fields.optional("metrics", readList(readMetric, { max: 100 })) : undefined;
    const targets = readTargets(fields, field, namespace);
    const type = readPluginType(fields);
    if (targets.targetServices !== undefined) checkServerSide(field, match);
    if (targets.targetRoutes !== undefined) checkRouteSide(field, { type, match, metrics: metrics ?? [] });
    const attachment = {
      type,
      priority,
      match,
      ...(selector !== undefined && { selector }),
      ...targets,
      callouts: (options.api === "weft" ? fields.optional("callouts", readCallouts) : undefined) ?? [],
      metrics: metrics ?? [],
    };
    const rollout = options.api === "weft" ? fields.optional("rollout", readRollout) : undefined;
    const module = { ...readModule(fields, { url, sha256 }), ...readPluginTrust(fields, options.api) };
    // Computed last: only a spec without errors is sure to be of bounded depth.
    const generation = field.problems.hasErrors ? "" : generationOf(metadata, field.value, options.standalone);
    return { namespace, name, ...module, ...attachment, ...(rollout !== undefined && { rollout }), generation };
  });
}

/** A Service is targeted on its own side, so a `match` of the callers' side would never hold. */
function checkServerSide(field: Field, match: readonly TrafficSelector[]): void {
  match.forEach(({ mode }, position) => {
    if (mode !== "CLIENT") return;
    const place = { ...field, path: [...field.path, "match", position, "mode"] };
    refuse(place, "ConflictingFields", "is CLIENT, and a Service is targeted on the server's side", "use mode SERVER");
  });
}

/** Of a plugin for routes, the routes say all that `match` could: which requests, of callers, to which ports. */
function checkRouteSide(field: Field, { type, match, metrics }: Pick<Plugin, "type" | "match" | "metrics">): void {
  const at = (...path: (string | number)[]) => ({ ...field, path: [...field.path, ...path] });
  if (type === "network")
    refuse(at("type"), "ConflictingFields", "is NETWORK, and routes are of HTTP", "target no route, or leave out type");
  match.forEach(({ mode, ports }, position) => {
    if (mode === "SERVER")
      refuse(
        at("match", position, "mode"),
        "ConflictingFields",
        "is SERVER, and a route is targeted on the callers' side",
        "leave out match",
      );
    if (ports.length > 0)
      refuse(
        at("match", position, "ports"),
        "ConflictingFields",
        "cannot be where a route is targeted",
        "name the port in the route's parentRefs",
      );
  });
  if (metrics.some(({ countedBy = "proxy" }) => countedBy === "proxy"))
    refuse(
      at("metrics"),
      "ConflictingFields",
      "are counted for all requests of a proxy, and a route is only some of them",
      "count in the plugin (countedBy: plugin), or attach it by a selector",
    );
}

function readPluginType(fields: ObjectFields): Plugin["type"] {
  const word = fields.optional("type", readOneOf(["HTTP", "NETWORK", "UNSPECIFIED_PLUGIN_TYPE"]));
  return word === "NETWORK" ? "network" : "http";
}

function readUnsupported(fields: ObjectFields, api: WasmPluginOptions["api"]): void {
  fields.unsupported(UNSUPPORTED_OF_ISTIO);
  if (api === "weft") return;
  const hint = "only apiVersion weft.mesh/v1alpha1 has it";
  fields.belongElsewhere(Object.fromEntries(FIELDS_OF_WEFT.map((name) => [name, hint])));
}

type Module = Pick<Plugin, "url" | "sha256" | "imagePullPolicy" | "config" | "rootId" | "phase" | "failStrategy">;

function readModule(
  fields: ObjectFields,
  { url, sha256 }: { readonly url: PluginUrl | undefined; readonly sha256: string | undefined },
): Module {
  const policy = fields.optional("imagePullPolicy", readOneOf(["UNSPECIFIED_POLICY", "Always", "IfNotPresent"]));
  const config = fields.optional("pluginConfig", readPluginConfig) ?? "{}";
  const rootId = fields.optional("pluginName", readString(256));
  const phase = fields.optional("phase", readPhase);
  const failStrategy = fields.optional("failStrategy", readFailStrategy) ?? "FAIL_CLOSE";
  const moves = sha256 === undefined && url?.moving === true;
  const given = policy === "Always" || policy === "IfNotPresent" ? policy : undefined;
  return {
    url: url?.url ?? "",
    imagePullPolicy: given ?? (moves ? "Always" : "IfNotPresent"),
    config,
    failStrategy,
    ...(sha256 !== undefined && { sha256 }),
    ...(rootId !== undefined && { rootId }),
    ...(phase !== undefined && { phase }),
  };
}

function readDigest(fields: ObjectFields, field: Field, url: PluginUrl | undefined): string | undefined {
  const sha256 = fields.optional("sha256", readSha256);
  if (sha256 === undefined || sha256 === "") return url?.sha256;
  if (url?.sha256 === undefined || url.sha256 === sha256) return sha256;
  const place = { ...field, path: [...field.path, "sha256"] };
  return refuse(place, "DigestConflict", "is not the digest in url", "write the digest once");
}

/** An empty digest counts as none, as in Istio. */
const readSha256: Reader<string> = (field) => {
  const text = readAnyString(71)(field);
  if (text === undefined || /^(?:[a-f0-9]{64})?$/.test(text)) return text;
  const hint = text.startsWith("sha256:") ? "leave out the sha256: before it" : "write 64 digits of 0-9 and a-f";
  return refuse(field, "InvalidDigest", "is not a sha256 digest", hint);
};

/** UNSPECIFIED_PHASE leaves the choice to the plugin's manifest. */
const readPhase: Reader<Phase> = (field) => {
  const word = readOneOf(["UNSPECIFIED_PHASE", "UNSPECIFIED", "AUTHN", "AUTHZ", "STATS"])(field);
  return word === undefined ? undefined : PHASES[word];
};

const readFailStrategy: Reader<FailStrategy> = readOneOf<FailStrategy>(["FAIL_CLOSE", "FAIL_OPEN"], {
  FAIL_RELOAD: "use FAIL_CLOSE, which reloads a broken plugin too",
});

const readTraffic: Reader<TrafficSelector> = readObject((fields) => {
  const mode = fields.optional("mode", readOneOf(["CLIENT", "SERVER", "CLIENT_AND_SERVER", "UNDEFINED"]));
  const ports = fields.optional("ports", readList(readPortNumber, { max: 100 })) ?? [];
  return { mode: mode === undefined || mode === "UNDEFINED" ? "CLIENT_AND_SERVER" : mode, ports };
});

const readPortNumber: Reader<number> = readObject((fields) => fields.required("number", readPort));

/** In Kubernetes the API server counts; without it a hash of the spec changes exactly when the spec does. */
function generationOf(metadata: Metadata, spec: unknown, standalone: boolean): string {
  if (!standalone && metadata.generation !== undefined) return String(metadata.generation);
  return createHash("sha256").update(canonicalJson(spec)).digest("hex").slice(0, 16);
}
