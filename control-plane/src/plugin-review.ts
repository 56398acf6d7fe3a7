import type { ReviewPlugin } from "./injection/review-object.js";
import type { Diagnostic } from "./model/diagnostic.js";
import { servedPlugin } from "./model/module-state.js";
import { objectKey } from "./model/object-ref.js";
import type { Plugin } from "./model/plugin.js";
import type { PluginManifest } from "./model/plugin-manifest.js";
import type { Snapshot } from "./model/snapshot.js";
import { checkConfig } from "./modules/config-schema.js";
import { isGuard } from "./translate/extension-configs.js";

/**
 * Looks at a plugin that is to be written with what is known of its image by now. An image is never fetched for it: the
 * API server waits for the answer.
 */
export function createPluginReview(snapshot: () => Snapshot): ReviewPlugin {
  return async (plugin) => {
    const { plugins, modules } = snapshot();
    const served = servedPlugin(modules.get(objectKey(plugin)));
    const known = manifestOf(plugin, { plugins, modules });
    const found: Diagnostic[] = [];
    if (served === undefined && isGuard(plugin, known?.served)) found.push(NEVER_READY);
    if (plugin.config === NO_CONFIG) return found;
    if (known === undefined) return [...found, NOT_CHECKED];
    const problem = await checkConfig(plugin.config, known.manifest.configSchema);
    if (problem === undefined) return found;
    // Under the same tag there may be another image by now, and the configuration may be for that one.
    const severity = plugin.sha256 === undefined && plugin.imagePullPolicy === "Always" ? "warning" : "error";
    const hint = "write pluginConfig as the image's configSchema has it: weft plugin inspect shows it";
    return [...found, { severity, reason: problem.reason, message: problem.message, hint, field: "spec.pluginConfig" }];
  };
}

const NO_CONFIG = "{}";

const NEVER_READY: Diagnostic = {
  severity: "warning",
  reason: "GuardNotReady",
  message: "refuses requests while it cannot run (FAIL_CLOSE), and has never been ready: until it is, they are denied",
  hint: "wait for condition Programmed before traffic depends on it, or begin with failStrategy: FAIL_OPEN",
  field: "spec.failStrategy",
};

const NOT_CHECKED: Diagnostic = {
  severity: "warning",
  reason: "ConfigNotChecked",
  message: "is not checked yet, because its image is not here; it is when the image comes",
  hint: "look at condition Validated",
  field: "spec.pluginConfig",
};

/** What the image of a plugin says of itself, where this or another plugin has it already. */
function manifestOf(
  { url, sha256, ...plugin }: Plugin,
  { plugins, modules }: Pick<Snapshot, "plugins" | "modules">,
): { readonly manifest: PluginManifest; readonly served: ReturnType<typeof servedPlugin> } | undefined {
  // Its own first: one that is written again, with another configuration.
  const keys = [objectKey(plugin), ...[...plugins.keys()].sort()];
  for (const key of keys) {
    const served = servedPlugin(modules.get(key));
    if (served?.url !== url) continue;
    if (sha256 === undefined || served.digest === `sha256:${sha256}`) return { manifest: served.manifest, served };
  }
  return undefined;
}
