import type { MetricDefinition, Phase } from "./plugin-manifest.js";
import { type Labels, matchesLabels } from "./selector.js";
import type { Workload } from "./workload.js";

/** What a broken plugin does to requests: FAIL_CLOSE refuses them until it heals, FAIL_OPEN lets them pass. */
export type FailStrategy = "FAIL_CLOSE" | "FAIL_OPEN";

export type Direction = "client" | "server";

export interface TrafficSelector {
  readonly mode: "CLIENT" | "SERVER" | "CLIENT_AND_SERVER";
  /** Empty: every port. */
  readonly ports: readonly number[];
}

/** A WasmPlugin object: what to attach where. Whether its module can be had is ModuleState's matter. */
export interface Plugin {
  readonly namespace: string;
  readonly name: string;
  /** `oci://…` or, standalone, `file://…`. */
  readonly url: string;
  /** Hexadecimal digest that the image must have; absent: whatever the tag says. */
  readonly sha256?: string;
  readonly imagePullPolicy: "Always" | "IfNotPresent";
  /** Canonical JSON (sorted keys, no spaces) of `spec.pluginConfig`; `{}` when absent. */
  readonly config: string;
  /** Root id in the module; absent: the manifest's. */
  readonly rootId?: string;
  /** Absent: the manifest's. */
  readonly phase?: Phase;
  /** Higher runs earlier within a phase. */
  readonly priority: number;
  /** Any of them; empty: all traffic. */
  readonly match: readonly TrafficSelector[];
  /** Absent: the whole namespace, or the whole mesh in the root namespace. */
  readonly selector?: Labels;
  readonly failStrategy: FailStrategy;
  readonly metrics: readonly MetricDefinition[];
  /** `metadata.generation` in Kubernetes; standalone a hash of the spec. */
  readonly generation: string;
}

/** Whether the plugin is for this workload, whatever the direction and the port. */
export function attachesTo(plugin: Plugin, workload: Workload, rootNamespace: string): boolean {
  if (plugin.namespace !== workload.namespace && plugin.namespace !== rootNamespace) return false;
  return plugin.selector === undefined || matchesLabels(plugin.selector, workload.labels);
}

/** Whether the plugin's `match` takes traffic of this direction on this port. */
export function matchesTraffic(plugin: Plugin, direction: Direction, port: number): boolean {
  if (plugin.match.length === 0) return true;
  const mode = direction === "client" ? "CLIENT" : "SERVER";
  return plugin.match.some(
    (selector) =>
      (selector.mode === "CLIENT_AND_SERVER" || selector.mode === mode) &&
      (selector.ports.length === 0 || selector.ports.includes(port)),
  );
}
