import type { JsonSchema } from "../transform/json-schema.js";

/** On which sidecar a plugin can run: the caller's (client), the callee's (server), or either. */
export const SIDES = ["client", "server", "both"] as const;
/** One of SIDES. */
export type Side = (typeof SIDES)[number];

/** The slot that a plugin goes into when the WasmPlugin resource names none. */
export const PHASES = ["authn", "authz", "stats", "default"] as const;
/** One of PHASES. */
export type Phase = (typeof PHASES)[number];

/** What a plugin needs of the mesh. */
export const REQUIREMENTS = ["subsetRoutes", "retryBackoff"] as const;
/** One of REQUIREMENTS. */
export type Requirement = (typeof REQUIREMENTS)[number];

export const METRIC_TYPES = ["counter", "histogram"] as const;
/** What a series of the manifest is. */
export type MetricType = (typeof METRIC_TYPES)[number];

export const METRIC_PROTOCOLS = ["http", "tcp"] as const;
export const METRIC_MOMENTS = ["start", "end"] as const;
export const METRIC_COUNTERS = ["proxy", "plugin"] as const;

/** What the names of series of failures end in: proxies show the mesh no others. */
export const FAILURE_SUFFIX = "_failures_total";

/**
 * A series that the mesh emits through Envoy's stats access logger for each stream the plugin is attached to, or one
 * that the plugin counts itself.
 */
export interface ManifestMetric {
  /** Prometheus metric name. */
  name: string;
  type: MetricType;
  /**
   * What a stream adds to the counter or records in the histogram: an Envoy format string that gives a number, for
   * example `%DURATION%`. A counter without it adds 1.
   */
  value?: string;
  /** Prometheus label name → Envoy format string, for example `%RESPONSE_CODE%` or `%FILTER_STATE(wasm.weft.x:PLAIN)%`. */
  labels: Record<string, string>;
  /** Of HTTP streams or of TCP connections. Default: http. */
  protocol?: (typeof METRIC_PROTOCOLS)[number];
  /** Of a TCP connection: when it is established or when it has ended. Default: end. */
  when?: (typeof METRIC_MOMENTS)[number];
  /** Who counts it: the proxy when a stream ends, or the plugin with a Counter or a CounterFamily. Default: proxy. */
  countedBy?: (typeof METRIC_COUNTERS)[number];
  /** Whether it counts failures of the plugin: a rollout goes back when a new version has more of them. Default: false. */
  failure?: boolean;
}

/** What the author writes in plugin.yaml, with the defaults filled in. */
export interface AuthoredManifest {
  /** Lower-case letters, digits and hyphens; at most 63. */
  name: string;
  /** Semantic version 2.0.0. */
  version: string;
  /** One line for people. */
  description?: string;
  /** The root id that the module registers. Default: name. */
  rootId: string;
  /** Proxy-Wasm ABI of the module. Default and only value: 0.2.1. */
  abi: "0.2.1";
  /** Default: both. */
  side: Side;
  /** Default: default. */
  phase: Phase;
  /** Version of the layout of the shared data; a new one starts with empty data. From 1; default 1. */
  stateVersion: number;
  /** Default: none. */
  requires: Requirement[];
  /** Default: none. */
  metrics: ManifestMetric[];
  /** Host functions that the module may import. The author's list is an upper bound, checked when it is built. */
  capabilities?: string[];
}

/** plugin.yaml as it is in the image: completed by the build. */
export interface PluginManifest extends AuthoredManifest {
  /** What built the module: readers know by it how the module keeps its shared data. */
  sdk: { name: string; version: string };
  /** Exactly the host functions that the module imports, sorted. */
  capabilities: string[];
  /** The callbacks that the module exports (`proxy_on_…`), sorted. */
  callbacks: string[];
  /** JSON Schema (draft 2020-12) of the configuration. */
  configSchema: JsonSchema;
}
