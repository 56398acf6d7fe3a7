import { compareStrings } from "../model/compare.js";
import type { ProxyCounts } from "./plugin-status.js";
import { type ProxySlots, proxyCounts } from "./proxy-counts.js";

/** Counts proxies by plugin, a proxy at a time: what one of them says costs nothing for the others. */
export interface ProxyTally {
  /** What a proxy should have and has said now; undefined: it is gone. Returns the plugins that count otherwise now. */
  update(proxyKey: string, proxy: ProxySlots | undefined): readonly string[];
  /** The same object until something changes. */
  counts(pluginKey: string): ProxyCounts;
}

const NONE: ProxyCounts = { matched: 0, acked: 0, rejected: 0 };

export function createProxyTally(): ProxyTally {
  /** What each proxy counts for, by plugin. */
  const byProxy = new Map<string, ReadonlyMap<string, ProxyCounts>>();
  /** Those that count for a plugin. */
  const byPlugin = new Map<string, Map<string, ProxyCounts>>();
  const sums = new Map<string, ProxyCounts>();

  const put = (plugin: string, proxyKey: string, own: ProxyCounts | undefined) => {
    sums.delete(plugin);
    const proxies = byPlugin.get(plugin) ?? new Map<string, ProxyCounts>();
    if (own === undefined) proxies.delete(proxyKey);
    else proxies.set(proxyKey, own);
    if (proxies.size === 0) byPlugin.delete(plugin);
    else byPlugin.set(plugin, proxies);
  };

  return {
    update(proxyKey, proxy) {
      const before = byProxy.get(proxyKey) ?? new Map<string, ProxyCounts>();
      const plugins = new Set(proxy?.slots.flatMap((slot) => slot.plugins));
      const now = new Map(proxy && [...plugins].map((plugin) => [plugin, proxyCounts(plugin, [proxy])]));
      if (now.size === 0) byProxy.delete(proxyKey);
      else byProxy.set(proxyKey, now);
      const changed = [...new Set([...before.keys(), ...now.keys()])].filter(
        (plugin) => !isSame(before.get(plugin), now.get(plugin)),
      );
      for (const plugin of changed) put(plugin, proxyKey, now.get(plugin));
      return changed;
    },
    counts(plugin) {
      const known = sums.get(plugin);
      if (known !== undefined) return known;
      const sum = sumOf(byPlugin.get(plugin));
      sums.set(plugin, sum);
      return sum;
    },
  };
}

function isSame(a: ProxyCounts | undefined, b: ProxyCounts | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.acked === b.acked && a.rejected === b.rejected && a.lastError === b.lastError;
}

/** The refusal that is told is the one of the first proxy by name, so that it does not change with their order. */
function sumOf(proxies: ReadonlyMap<string, ProxyCounts> | undefined): ProxyCounts {
  if (proxies === undefined) return NONE;
  let [acked, rejected] = [0, 0];
  const errors: { readonly proxyKey: string; readonly error: string }[] = [];
  for (const [proxyKey, own] of proxies) {
    acked += own.acked;
    rejected += own.rejected;
    if (own.lastError !== undefined) errors.push({ proxyKey, error: own.lastError });
  }
  const [first] = errors.sort((a, b) => compareStrings(a.proxyKey, b.proxyKey));
  return { matched: proxies.size, acked, rejected, ...(first === undefined ? {} : { lastError: first.error }) };
}
