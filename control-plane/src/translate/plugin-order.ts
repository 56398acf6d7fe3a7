import { compareStrings } from "../model/compare.js";
import { servedPlugin } from "../model/module-state.js";
import { objectKey } from "../model/object-ref.js";
import { attachesTo, type Direction, matchesTraffic, type Plugin } from "../model/plugin.js";
import type { Phase } from "../model/plugin-manifest.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";

/** Priority (high first), then namespace, then name: a total order, so equal input never reorders a chain. */
export function byChainOrder(a: Plugin, b: Plugin): number {
  return b.priority - a.priority || compareStrings(a.namespace, b.namespace) || compareStrings(a.name, b.name);
}

/** The phase in which a plugin runs: what the object says, else what the module's manifest says. */
export function phaseOf(plugin: Plugin, snapshot: Pick<Snapshot, "modules">): Phase {
  return plugin.phase ?? servedPlugin(snapshot.modules.get(objectKey(plugin)))?.manifest.phase ?? "default";
}

/** The plugins on one side of a workload's port, in the order in which they run, whatever their phase. */
export function pluginsFor(
  snapshot: Pick<Snapshot, "plugins" | "modules" | "settings">,
  workload: Workload,
  direction: Direction,
  port: number,
): readonly Plugin[] {
  const found: Plugin[] = [];
  for (const plugin of snapshot.plugins.values()) {
    if (!attachesTo(plugin, workload, snapshot.settings.rootNamespace)) continue;
    if (!matchesTraffic(plugin, direction, port)) continue;
    const side = servedPlugin(snapshot.modules.get(objectKey(plugin)))?.manifest.side ?? "both";
    if (side === "both" || side === direction) found.push(plugin);
  }
  return found.sort(byChainOrder);
}
