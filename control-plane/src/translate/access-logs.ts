import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AccessLogSchema } from "../envoy-api/gen/envoy/config/accesslog/v3/accesslog_pb.js";
import {
  Config_Histogram_Unit,
  type Config_StatSchema,
  ConfigSchema,
} from "../envoy-api/gen/envoy/extensions/access_loggers/stats/v3/stats_pb.js";
import { compareStrings } from "../model/compare.js";
import { servedPlugin } from "../model/module-state.js";
import { objectKey } from "../model/object-ref.js";
import type { Plugin } from "../model/plugin.js";
import type { MetricDefinition } from "../model/plugin-manifest.js";
import type { Snapshot } from "../model/snapshot.js";
import { pack } from "./encode.js";
import { pluginFilterName } from "./names.js";

/** Series of one plugin in one proxy, beyond which new ones are dropped and counted by Envoy. */
const MAX_SERIES = 2000;

/** The series that these plugins declare, each plugin's as an access logger of its own with its own bound. */
export function metricAccessLogs(
  snapshot: Snapshot,
  plugins: readonly Plugin[],
): MessageInitShape<typeof AccessLogSchema>[] {
  return plugins.flatMap((plugin) => {
    const served = servedPlugin(snapshot.modules.get(objectKey(plugin)));
    if (served === undefined) return [];
    return served.metrics.length === 0 ? [] : [metricAccessLog(objectKey(plugin), served.metrics)];
  });
}

/** One plugin's series. Also what the pre-flight hands to Envoy, which would refuse a listener for a wrong format. */
export function metricAccessLog(
  key: string,
  metrics: readonly MetricDefinition[],
): MessageInitShape<typeof AccessLogSchema> {
  const counters = metrics.filter((metric) => metric.type === "counter");
  const histograms = metrics.filter((metric) => metric.type === "histogram");
  return {
    name: `envoy.access_loggers.stats/${pluginFilterName(key)}`,
    configType: {
      case: "typedConfig",
      value: pack(ConfigSchema, {
        // This prefix is the one that Envoy leaves out in Prometheus text, so the names are the author's.
        statsScope: { prefix: "wasmcustom", maxCounters: MAX_SERIES, maxHistograms: MAX_SERIES },
        counters: counters.map((metric) => ({
          stat: stat(metric),
          ...(metric.value === undefined ? { valueFixed: 1n } : { valueFormat: metric.value }),
        })),
        histograms: histograms.map((metric) => ({
          stat: stat(metric),
          unit: Config_Histogram_Unit.Unspecified,
          valueFormat: metric.value ?? "%DURATION%",
        })),
      }),
    },
  };
}

function stat(metric: MetricDefinition): MessageInitShape<typeof Config_StatSchema> {
  return {
    name: metric.name,
    tags: Object.entries(metric.labels)
      .sort(([a], [b]) => compareStrings(a, b))
      .map(([name, valueFormat]) => ({ name, valueFormat })),
  };
}
