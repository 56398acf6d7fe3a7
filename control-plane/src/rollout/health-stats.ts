import type { HealthCounters } from "./progress.js";

/** Where in a proxy a plugin stands, in the words of Envoy's stats. */
export interface StatsSite {
  /** Name of the plugin's filter. */
  readonly filterName: string;
  /** Stat prefixes of the connection managers that have it, for example `inbound_8080`. */
  readonly managers: readonly string[];
  /** Names of the series that count its failures, in any of its versions. */
  readonly failureSeries: readonly string[];
}

/**
 * What becomes of the first request after a VM broke: it waits for its back-off, or is made anew. The counter
 * `vm_reload` is there too, but Envoy 1.40 never counts in it.
 */
const VM_FAILURES = ["vm_reload_success", "vm_reload_backoff", "vm_reload_failure"];

/** Picks out of a proxy's counters what tells of one plugin's health. What Envoy does not list was never counted. */
export function healthOf(stats: ReadonlyMap<string, number>, site: StatsSite): HealthCounters {
  const sum = (names: readonly string[]) => names.reduce((total, name) => total + (stats.get(name) ?? 0), 0);
  return {
    vmFailures: sum(VM_FAILURES.map((name) => `wasm.${site.filterName}.${name}`)),
    pluginFailures: sum([...stats.keys()].filter((name) => isOf(name, site.failureSeries))),
    requests: sum(site.managers.map((manager) => `http.${manager}.downstream_rq_completed`)),
    errors: sum(site.managers.map((manager) => `http.${manager}.downstream_rq_5xx`)),
  };
}

/** Whether a counter is one of these series, with whatever labels. */
function isOf(name: string, series: readonly string[]): boolean {
  const [, ofPlugin] = /^wasmcustom\.([^;.]+)/.exec(name) ?? [];
  return ofPlugin !== undefined && series.includes(ofPlugin);
}

/**
 * Reads the answer of Envoy's `/stats?format=json`. Undefined when the text is not one.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/operations/admin#get--stats?format=json
 */
export function parseStats(text: string): ReadonlyMap<string, number> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || !Array.isArray(value.stats)) return undefined;
  const stats = new Map<string, number>();
  for (const stat of value.stats as readonly unknown[])
    if (isRecord(stat) && typeof stat.name === "string" && typeof stat.value === "number")
      stats.set(stat.name, stat.value);
  return stats;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
