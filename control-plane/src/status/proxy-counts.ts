import type { ProxyCounts } from "./plugin-status.js";

/** What one connected proxy should have in its slots, and what it said of them. */
export interface ProxySlots {
  readonly slots: readonly { readonly name: string; readonly plugins: readonly string[]; readonly version: string }[];
  /** The versions that it accepted last, by slot. */
  readonly acked: ReadonlyMap<string, string>;
  readonly lastNack?: { readonly message: string; readonly names: readonly string[] };
}

/** Counts, for one plugin, the proxies that should run it, that do, and that refused it last. */
export function proxyCounts(pluginKey: string, proxies: readonly ProxySlots[]): ProxyCounts {
  let matched = 0;
  let acked = 0;
  let rejected = 0;
  let lastError: string | undefined;
  for (const proxy of proxies) {
    const slots = proxy.slots.filter((slot) => slot.plugins.includes(pluginKey));
    if (slots.length === 0) continue;
    matched++;
    if (slots.every((slot) => proxy.acked.get(slot.name) === slot.version)) {
      acked++;
      continue;
    }
    const { lastNack } = proxy;
    if (lastNack === undefined || !slots.some((slot) => lastNack.names.includes(slot.name))) continue;
    rejected++;
    lastError ??= lastNack.message;
  }
  return { matched, acked, rejected, ...(lastError === undefined ? {} : { lastError }) };
}
