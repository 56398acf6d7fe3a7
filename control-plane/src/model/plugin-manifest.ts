/** Where in the chain a plugin runs. `default` is last, just before the router. */
export type Phase = "authn" | "authz" | "stats" | "default";

/** The order in which the phases run. */
export const PHASES: readonly Phase[] = ["authn", "authz", "stats", "default"];

/** What the control plane does for a plugin that asks for it. */
export type Requirement = "subsetRoutes" | "retryBackoff";

/** A series that the control plane emits for a plugin through Envoy's stats access logger. */
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
}

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
