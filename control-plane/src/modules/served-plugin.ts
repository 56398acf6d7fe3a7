import { createHash } from "node:crypto";
import { canonicalJson } from "../model/compare.js";
import type { ServedPlugin } from "../model/module-state.js";
import { objectKey } from "../model/object-ref.js";
import type { Plugin } from "../model/plugin.js";
import type { PluginManifest } from "../model/plugin-manifest.js";

/** A module as it was pulled. */
export interface PulledModule {
  readonly digest: string;
  readonly wasmSha256: string;
  readonly wasm: Uint8Array;
  /** Text of plugin.yaml; absent in images that were not made by Weft. */
  readonly pluginYaml?: string;
}

/** Binds a module to the object that attaches it. */
export function servePlugin(plugin: Plugin, module: PulledModule, manifest: PluginManifest): ServedPlugin {
  const rootId = plugin.rootId ?? manifest.rootId;
  const vmId = vmIdOf(plugin, manifest);
  const { failStrategy, config } = plugin;
  const { digest, wasmSha256, wasm } = module;
  const version = shortHash({ wasmSha256, rootId, config, vmId, failStrategy });
  const metrics = [...manifest.metrics, ...plugin.metrics];
  return { version, digest, wasmSha256, url: plugin.url, manifest, metrics, rootId, config, vmId, failStrategy, wasm };
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
