/** Where in the chain a plugin runs. `default` is last, just before the router. */
export type Phase = "authn" | "authz" | "stats" | "default";

/** The order in which the phases run. */
export const PHASES: readonly Phase[] = ["authn", "authz", "stats", "default"];

/** What the control plane does for a plugin that asks for it. */
export type Requirement = "subsetRoutes" | "retryBackoff";

/**
 * A series of a plugin: one that the control plane emits for it through Envoy's stats access logger, or one that the
 * plugin counts itself.
 */
export interface MetricDefinition {
  readonly name: string;
  readonly type: "counter" | "histogram";
  /** Envoy format string whose value is recorded; absent for a counter of requests. */
  readonly value?: string;
  /** Label name → Envoy format string, for example `%RESPONSE_CODE%`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether it is of HTTP streams or of TCP connections; absent: `http`. */
  readonly protocol?: "http" | "tcp";
  /** Of a TCP connection: when it is established, or when it has ended; absent: `end`. */
  readonly when?: "start" | "end";
  /** Who counts it; absent: `proxy`, by the access logger. */
  readonly countedBy?: "proxy" | "plugin";
  /** Whether it counts failures of the plugin, by which a rollout judges a version; absent: no. */
  readonly failure?: boolean;
}

/**
 * What the names of all series of failures end in. Sidecars let the control plane read these of all that plugins count,
 * by one pattern that is in their bootstrap from the start.
 */
export const FAILURE_SUFFIX = "_failures_total";

/** `plugin.yaml`, the manifest in a plugin's image. The control plane acts on it, never on a plugin's name. */
export interface PluginManifest {
  readonly name: string;
  readonly version: string;
  readonly rootId: string;
  readonly side: "client" | "server" | "both";
  readonly phase: Phase;
  /** Changes when the layout of the plugin's shared data changes. */
  readonly stateVersion: string;
  readonly requires: readonly Requirement[];
  readonly metrics: readonly MetricDefinition[];
  /** JSON Schema of the configuration; absent: not described. */
  readonly configSchema?: Readonly<Record<string, unknown>>;
  /** Whether the module was built with Weft's SDK, which keeps shared data across configurations. */
  readonly builtWithSdk: boolean;
}
