import type { Plugin } from "../model/plugin.js";
import type { PluginManifest } from "../model/plugin-manifest.js";

/** For modules that were not made with Weft: what can be said without a manifest. */
export function foreignManifest(plugin: Plugin): PluginManifest {
  return {
    name: plugin.name,
    version: "",
    rootId: "",
    side: "both",
    phase: "default",
    stateVersion: "1",
    requires: [],
    metrics: [],
    builtWithSdk: false,
  };
}
