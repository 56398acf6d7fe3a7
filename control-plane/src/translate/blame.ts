import type { Slot } from "./incremental.js";
import { pluginFilterName } from "./names.js";

/**
 * The plugins that a refused response is about. Envoy names the one that it could not create; a slot with a single
 * plugin needs no naming. Slots that have moved on since are nobody's fault any more.
 */
export function blamedPlugins(
  slots: readonly Pick<Slot, "name" | "plugins" | "version">[],
  refused: ReadonlyMap<string, string>,
  message: string,
): readonly string[] {
  const blamed = new Set<string>();
  for (const { name, plugins, version } of slots) {
    if (refused.get(name) !== version) continue;
    for (const key of plugins) if (plugins.length === 1 || names(message, pluginFilterName(key))) blamed.add(key);
  }
  return [...blamed];
}

/** Whether the text has the name as a whole: `default.retry` is not in `default.retry-budget`. */
function names(text: string, name: string): boolean {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\w.-])${escaped}(?![\\w-]|\\.\\w)`).test(text);
}
