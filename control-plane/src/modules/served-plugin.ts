import { createHash } from "node:crypto";
import { canonicalJson } from "../model/compare.js";
import type { ServedPlugin } from "../model/module-state.js";
import { objectKey } from "../model/object-ref.js";
import type { Plugin } from "../model/plugin.js";
import type { PluginManifest } from "../model/plugin-manifest.js";
import type { Verified } from "../model/verification.js";

/** A module as it was pulled. */
export interface PulledModule {
  readonly digest: string;
  readonly wasmSha256: string;
  readonly wasm: Uint8Array;
  /** Text of plugin.yaml; absent in images that were not made by Weft. */
  readonly pluginYaml?: string;
}

/** A module that was verified, with its limits: as proxies would get it. */
export interface PreparedModule {
  readonly digest: string;
  /** Of the module as it came. */
  readonly wasmSha256: string;
  readonly servedSha256: string;
  readonly wasm: Uint8Array;
  readonly memoryBytes: number;
  readonly capabilities: readonly string[];
  readonly verified: Verified;
}

/** Binds a module to the object that attaches it. */
export function servePlugin(plugin: Plugin, module: PreparedModule, manifest: PluginManifest): ServedPlugin {
  const rootId = plugin.rootId ?? manifest.rootId;
  const vmId = vmIdOf(plugin, manifest);
  const { failStrategy, config, env = {} } = plugin;
  const { servedSha256, capabilities } = module;
  const version = shortHash({ servedSha256, rootId, config, vmId, failStrategy, capabilities, env });
  const metrics = [...manifest.metrics, ...plugin.metrics];
  return { ...module, version, url: plugin.url, manifest, metrics, rootId, config, env, vmId, failStrategy };
}

/**
 * Shared data lives as long as the VM id, so that limits and budgets survive new code and new configuration. Modules
 * of other SDKs may keep one configuration for the whole VM; they get a VM for each.
 */
function vmIdOf(plugin: Plugin, manifest: PluginManifest): string {
  const id = `${objectKey(plugin)}/${manifest.stateVersion}`;
  return manifest.builtWithSdk ? id : `${id}/${shortHash(plugin.config)}`;
}

function shortHash(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex").slice(0, 20);
}
