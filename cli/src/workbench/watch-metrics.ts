import { type MetricValues, metricChanges, parseMetrics } from "./metric-changes.js";
import type { PluginEnvoy } from "./plugin-envoy.js";
import type { RunEvent } from "./run-event.js";

const INTERVAL_MS = 1000;

/** Tells which of the plugin's metrics have changed, at most once a second. Returns what ends it. */
export function watchMetrics(envoy: Pick<PluginEnvoy, "stats">, tell: (event: RunEvent) => void): () => Promise<void> {
  let values: MetricValues = new Map();
  let isOver = false;
  let timer: NodeJS.Timeout;
  let work: Promise<void> = Promise.resolve();
  const look = async () => {
    let stats: string;
    try {
      stats = await envoy.stats();
    } catch {
      // Envoy's end, or its being too busy to answer, is told by others.
      return;
    }
    const next = parseMetrics(stats);
    const changes = metricChanges(values, next);
    values = next;
    if (changes.length > 0 && !isOver) tell({ kind: "metrics", changes });
  };
  const again = () => {
    timer = setTimeout(() => {
      work = look().finally(() => {
        if (!isOver) again();
      });
    }, INTERVAL_MS);
  };
  again();
  return async () => {
    isOver = true;
    clearTimeout(timer);
    await work;
  };
}
