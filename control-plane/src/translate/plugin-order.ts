import { compareStrings } from "../model/compare.js";
import type { ServedPlugin } from "../model/module-state.js";
import { objectKey } from "../model/object-ref.js";
import { attachesTo, type Direction, matchesTraffic, type Plugin, targetsAny } from "../model/plugin.js";
import type { Phase } from "../model/plugin-manifest.js";
import { servedTo } from "../model/rollout.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { servicesAt } from "./inbound-sites.js";

/** Priority (high first), then namespace, then name: a total order, so equal input never reorders a chain. */
export function byChainOrder(a: Plugin, b: Plugin): number {
  return b.priority - a.priority || compareStrings(a.namespace, b.namespace) || compareStrings(a.name, b.name);
}

/** What a workload's proxy should run of a plugin: during a rollout it may be another version than its neighbour's. */
export function servedAt(
  snapshot: Pick<Snapshot, "modules">,
  plugin: Plugin,
  workload: Workload,
): ServedPlugin | undefined {
  const key = objectKey(plugin);
  return servedTo(snapshot.modules.get(key), key, objectKey(workload));
}

/** The phase in which a version of a plugin runs: what the object says, else what the module's manifest says. */
export function phaseOf(plugin: Plugin, served: ServedPlugin | undefined): Phase {
  return plugin.phase ?? served?.manifest.phase ?? "default";
}

/** The plugins on one side of a workload's port, in the order in which they run, whatever their phase. */
export function pluginsFor(
  snapshot: Pick<Snapshot, "plugins" | "modules" | "services" | "handovers" | "settings">,
  workload: Workload,
  direction: Direction,
  port: number,
): readonly Plugin[] {
  const found: Plugin[] = [];
  for (const plugin of snapshot.plugins.values()) {
    if (!attachesTo(plugin, workload, snapshot.settings.rootNamespace)) continue;
    if (!matchesTraffic(plugin, direction, port)) continue;
    const isTargeted = plugin.targetServices !== undefined;
    if (isTargeted && !targetsAny(plugin, servicesAt(snapshot, workload, port), direction)) continue;
    const side = servedAt(snapshot, plugin, workload)?.manifest.side ?? "both";
    if (side === "both" || side === direction) found.push(plugin);
  }
  return found.sort(byChainOrder);
}
