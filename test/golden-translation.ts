import { parseAllDocuments, stringify } from "yaml";
import { decodeObject } from "../control-plane/src/decode/decode.js";
import { formatDiagnostic } from "../control-plane/src/model/diagnostic.js";
import type { ModuleState, ServedPlugin } from "../control-plane/src/model/module-state.js";
import type { Plugin } from "../control-plane/src/model/plugin.js";
import { limitsOf } from "../control-plane/src/model/plugin-limits.js";
import type { PluginManifest } from "../control-plane/src/model/plugin-manifest.js";
import type { Resource } from "../control-plane/src/model/resource.js";
import type { Snapshot } from "../control-plane/src/model/snapshot.js";
import { UNVERIFIED } from "../control-plane/src/model/verification.js";
import { servePlugin } from "../control-plane/src/modules/served-plugin.js";
import { createStore } from "../control-plane/src/store/store.js";
import { resourceToJson } from "../control-plane/src/translate/json.js";
import { translate } from "../control-plane/src/translate/translate.js";
import { settings } from "./builders.js";

/** A version of a module, as a golden case writes it. Manifest fields have the defaults of a bare plugin.yaml. */
export interface ModuleSpec {
  /** Stands for the hash of the module, so that outputs do not depend on the compiler. */
  readonly code: string;
  /** Configuration that it was proven with; default: the object's. */
  readonly config?: unknown;
  /** What Envoy lets it use. Default: all. */
  readonly capabilities?: readonly string[];
  /** False: known from the status only. Default true. */
  readonly bytes?: boolean;
  readonly manifest?: Partial<PluginManifest>;
}

/** What is known of a WasmPlugin's module: one of these, and perhaps another version on its way. */
export interface ModuleStateSpec {
  readonly rollout?: { readonly candidate: ModuleSpec; readonly limit: number };
  readonly ready?: ModuleSpec;
  readonly pending?: { readonly lastGood?: ModuleSpec };
  readonly failed?: { readonly reason: string; readonly lastGood?: ModuleSpec };
}

/** The document `kind: GoldenOptions` of a case. */
export interface GoldenOptions {
  /** Keys of the workloads whose resources are shown. */
  readonly proxies: readonly string[];
  /** Whether the objects are read as those of a cluster, not of a folder. Default false. */
  readonly cluster?: boolean;
  /** By the plugin's key. */
  readonly modules?: Readonly<Record<string, ModuleStateSpec>>;
}

/** One proxy's resources in Envoy's JSON form. Plugins are in place as bytes. */
export interface ProxyResources {
  readonly proxy: string;
  readonly resources: readonly JsonResource[];
}

export interface JsonResource {
  readonly type: Resource["type"];
  readonly name: string;
  readonly version: string;
  /** What a proxy gets: the resource, or its fallback. */
  readonly config: Record<string, unknown>;
  /** Version of the fallback, where the resource is known by its version only. */
  readonly fallback?: string;
}

export interface RenderedCase {
  readonly diagnostics: readonly string[];
  readonly proxies: readonly ProxyResources[];
}

const ROOTS = "the roots of the mesh";

/** Takes a case the way that a control plane takes objects: decode, store, translate. `wasm` is every plugin's module. */
export function renderCase(input: string, wasm: Uint8Array): RenderedCase {
  const diagnostics: string[] = [];
  const store = createStore(settings, ROOTS);
  let options: GoldenOptions | undefined;
  const documents = parseAllDocuments(input).map((document): unknown => {
    if (document.errors.length > 0) throw new Error(document.errors.join("\n"));
    return document.toJS();
  });
  const standalone = documents.find(isOptions)?.spec.cluster !== true;
  const changes = documents.flatMap((raw) => {
    if (isOptions(raw)) {
      options = raw.spec;
      return [];
    }
    const decoded = decodeObject(raw, { standalone });
    diagnostics.push(...(decoded.ok ? decoded.warnings : decoded.diagnostics).map(formatDiagnostic));
    return decoded.ok ? [{ kind: "apply" as const, object: decoded.object }] : [];
  });
  if (options === undefined) throw new Error("the case has no document of kind GoldenOptions");
  store.apply(changes);
  const { snapshot, diagnostics: between } = store.current;
  diagnostics.push(...between.map(formatDiagnostic));
  store.setModules(moduleStates(options, snapshot, wasm));
  return { diagnostics, proxies: options.proxies.map((proxy) => proxyResources(store.current.snapshot, proxy)) };
}

function isOptions(raw: unknown): raw is { spec: GoldenOptions } {
  return typeof raw === "object" && raw !== null && "kind" in raw && raw.kind === "GoldenOptions";
}

function moduleStates(options: GoldenOptions, { plugins }: Snapshot, wasm: Uint8Array): Map<string, ModuleState> {
  const states = Object.entries(options.modules ?? {}).map(([key, spec]) => {
    const plugin = plugins.get(key);
    if (plugin === undefined) throw new Error(`GoldenOptions names ${key}, which is no WasmPlugin of the case`);
    const state = moduleState(spec, plugin, wasm);
    if (spec.rollout === undefined) return [key, state] as const;
    const { candidate, limit } = spec.rollout;
    return [key, { ...state, rollout: { candidate: served(candidate, plugin, wasm), limit } }] as const;
  });
  return new Map(states);
}

function moduleState({ ready, pending, failed }: ModuleStateSpec, plugin: Plugin, wasm: Uint8Array): ModuleState {
  if (ready !== undefined) return { kind: "ready", served: served(ready, plugin, wasm) };
  const before = (failed ?? pending)?.lastGood;
  const lastGood = before === undefined ? {} : { lastGood: served(before, plugin, wasm) };
  if (failed === undefined) return { kind: "pending", message: "waiting for the registry", ...lastGood };
  return {
    kind: "failed",
    failure: { stage: "Resolved", reason: failed.reason, message: failed.reason },
    ...lastGood,
  };
}

function served(spec: ModuleSpec, plugin: Plugin, bytes: Uint8Array): ServedPlugin {
  const manifest: PluginManifest = {
    name: plugin.name,
    version: "1.0.0",
    rootId: "hello",
    side: "both",
    phase: "default",
    stateVersion: "1",
    requires: [],
    metrics: [],
    builtWithSdk: true,
    ...spec.manifest,
  };
  const configured = spec.config === undefined ? plugin : { ...plugin, config: JSON.stringify(spec.config) };
  const pulled = {
    digest: `sha256:${spec.code}`,
    wasmSha256: spec.code,
    servedSha256: spec.code,
    wasm: bytes,
    memoryBytes: limitsOf(plugin).memoryBytes,
    capabilities: spec.capabilities ?? [],
    verified: UNVERIFIED,
  };
  const { wasm, ...rest } = servePlugin(configured, pulled, manifest);
  return spec.bytes === false || wasm === undefined ? rest : { ...rest, wasm };
}

function proxyResources(snapshot: Snapshot, proxy: string): ProxyResources {
  const workload = snapshot.workloads.get(proxy);
  if (workload === undefined) throw new Error(`GoldenOptions names ${proxy}, which is no WorkloadEntry of the case`);
  const resources = translate(snapshot, { key: proxy, workload }).map((resource): JsonResource => {
    const { type, name, version, bytes, fallback } = resource;
    const shown = bytes ?? fallback?.bytes;
    if (shown === undefined) throw new Error(`${type} ${name} of ${proxy} has neither bytes nor a fallback`);
    const config = resourceToJson({ type, name, version, bytes: shown }) as Record<string, unknown>;
    return { type, name, version, config, ...(bytes === undefined && fallback ? { fallback: fallback.version } : {}) };
  });
  return { proxy, resources };
}

/**
 * The text of a case's output. Only slots show their version: it is made from what defines the plugins and must be the
 * same after a restart; the others' are hashes of what is shown anyway.
 */
export function formatCase({ diagnostics, proxies }: RenderedCase, wasm: Uint8Array): string {
  const code = Buffer.from(wasm).toString("base64");
  const shown = proxies.map(({ proxy, resources }) => ({
    proxy,
    resources: resources.map(({ type, name, version, config, fallback }) => ({
      type,
      name,
      ...(type === "extension" ? { version } : {}),
      ...(fallback === undefined ? {} : { fallbackUntilBytesAreHere: fallback }),
      config: withoutCode(config, code),
    })),
  }));
  return stringify(
    { diagnostics, proxies: shown },
    { aliasDuplicateObjects: false, lineWidth: 0, sortMapEntries: false },
  );
}

function withoutCode(value: unknown, code: string): unknown {
  if (value === code) return "<the module>";
  if (Array.isArray(value)) return value.map((element) => withoutCode(element, code));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutCode(inner, code)]));
}
