import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  AccessLogFilterSchema,
  AccessLogSchema,
} from "../envoy-api/gen/envoy/config/accesslog/v3/accesslog_pb.js";
import { AccessLogType } from "../envoy-api/gen/envoy/data/accesslog/v3/accesslog_pb.js";
import {
  Config_Histogram_Unit,
  type Config_StatSchema,
  ConfigSchema,
} from "../envoy-api/gen/envoy/extensions/access_loggers/stats/v3/stats_pb.js";
import { compareStrings } from "../model/compare.js";
import { objectKey } from "../model/object-ref.js";
import type { Plugin } from "../model/plugin.js";
import type { MetricDefinition } from "../model/plugin-manifest.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { pack } from "./encode.js";
import { pluginFilterName } from "./names.js";
import { servedAt } from "./plugin-order.js";

/** Series of one plugin in one proxy, beyond which new ones are dropped and counted by Envoy. */
const MAX_SERIES = 2000;

type AccessLogInit = MessageInitShape<typeof AccessLogSchema>;

/** The series of HTTP requests that these plugins declare. */
export function metricAccessLogs(snapshot: Snapshot, workload: Workload, plugins: readonly Plugin[]): AccessLogInit[] {
  return allAccessLogs(snapshot, workload, plugins).flatMap(({ protocol, log }) => (protocol === "http" ? [log] : []));
}

/** The series of TCP connections that these plugins declare. */
export function tcpMetricAccessLogs(
  snapshot: Snapshot,
  workload: Workload,
  plugins: readonly Plugin[],
): AccessLogInit[] {
  return allAccessLogs(snapshot, workload, plugins).flatMap(({ protocol, log }) => (protocol === "tcp" ? [log] : []));
}

function allAccessLogs(snapshot: Snapshot, workload: Workload, plugins: readonly Plugin[]): MetricAccessLog[] {
  return plugins.flatMap((plugin) => {
    const served = servedAt(snapshot, plugin, workload);
    return served === undefined ? [] : pluginAccessLogs(objectKey(plugin), served.metrics);
  });
}

interface MetricAccessLog {
  readonly protocol: "http" | "tcp";
  readonly log: AccessLogInit;
}

/**
 * One plugin's series: an access logger, with its own bound, for each moment at which some are counted. Also what the
 * pre-flight hands to Envoy, which would refuse a listener for a wrong format.
 */
export function pluginAccessLogs(key: string, metrics: readonly MetricDefinition[]): MetricAccessLog[] {
  const counted = metrics.filter(({ countedBy = "proxy" }) => countedBy === "proxy");
  const of = (protocol: "http" | "tcp", when: "start" | "end") =>
    counted.filter((metric) => (metric.protocol ?? "http") === protocol && (metric.when ?? "end") === when);
  const logs: (MetricAccessLog | undefined)[] = [
    accessLog(key, "http", "", of("http", "end")),
    // tcp_proxy logs a connection several times where an option asks for it, so each logger says which it is for.
    accessLog(key, "tcp", "/opened", of("tcp", "start"), AccessLogType.TcpUpstreamConnected),
    accessLog(key, "tcp", "/closed", of("tcp", "end"), AccessLogType.TcpConnectionEnd),
  ];
  return logs.filter((log) => log !== undefined);
}

function accessLog(
  key: string,
  protocol: "http" | "tcp",
  suffix: string,
  metrics: readonly MetricDefinition[],
  type?: AccessLogType,
): MetricAccessLog | undefined {
  if (metrics.length === 0) return undefined;
  const counters = metrics.filter((metric) => metric.type === "counter");
  const histograms = metrics.filter((metric) => metric.type === "histogram");
  const log: AccessLogInit = {
    name: `envoy.access_loggers.stats/${pluginFilterName(key)}${suffix}`,
    ...(type === undefined ? {} : { filter: logTypeFilter(type) }),
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
  return { protocol, log };
}

function logTypeFilter(type: AccessLogType): MessageInitShape<typeof AccessLogFilterSchema> {
  return { filterSpecifier: { case: "logTypeFilter", value: { types: [type] } } };
}

function stat(metric: MetricDefinition): MessageInitShape<typeof Config_StatSchema> {
  return {
    name: metric.name,
    tags: Object.entries(metric.labels)
      .sort(([a], [b]) => compareStrings(a, b))
      .map(([name, valueFormat]) => ({ name, valueFormat })),
  };
}
