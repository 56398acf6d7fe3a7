import type { Callout } from "./callout.js";
import type { PluginLimits } from "./plugin-limits.js";
import type { MetricDefinition, Phase } from "./plugin-manifest.js";
import type { RolloutPlan } from "./rollout.js";
import type { RouteTarget } from "./route-slots.js";
import { type Labels, matchesLabels } from "./selector.js";
import type { Service } from "./service.js";
import type { PluginVerification } from "./verification.js";
import type { Workload } from "./workload.js";

/** What a broken plugin does to requests: FAIL_CLOSE refuses them until it heals, FAIL_OPEN lets them pass. */
export type FailStrategy = "FAIL_CLOSE" | "FAIL_OPEN";

export type Direction = "client" | "server";

export interface TrafficSelector {
  readonly mode: "CLIENT" | "SERVER" | "CLIENT_AND_SERVER";
  /** Empty: every port. */
  readonly ports: readonly number[];
}

/** What an object, of a plugin or of a policy, is for. */
export interface Attachment {
  readonly namespace: string;
  /** Absent: the whole namespace, or the whole mesh in the root namespace. */
  readonly selector?: Labels;
  /**
   * Names of Services of the object's namespace, in the place of a selector: the object is for what the workloads behind
   * them are called for, on the ports of these Services.
   */
  readonly targetServices?: readonly string[];
  /**
   * Routes of the object's namespace, in the place of both, for plugins only: the object is for what callers send along
   * them, wherever the callers are. See `routeSlots`.
   */
  readonly targetRoutes?: readonly RouteTarget[];
}

/** A WasmPlugin object: what to attach where. Whether its module can be had is ModuleState's matter. */
export interface Plugin extends Attachment {
  readonly name: string;
  /** `oci://…` or, standalone, `file://…`. */
  readonly url: string;
  /** Hexadecimal digest that the image must have; absent: whatever the tag says. */
  readonly sha256?: string;
  readonly imagePullPolicy: "Always" | "IfNotPresent";
  /** Name of a Secret of the plugin's namespace with credentials of the registry; absent: the control plane's own. */
  readonly imagePullSecret?: string;
  /** Absent: what the mesh policy says alone. */
  readonly verification?: PluginVerification;
  /** Only those that the object gives; see `limitsOf`. */
  readonly limits?: Partial<PluginLimits>;
  /** Host functions that it may call, sorted; absent: those that its module imports. */
  readonly capabilities?: readonly string[];
  /** Environment variables of the VM, sorted by name; absent: none. */
  readonly env?: Readonly<Record<string, string>>;
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
  /** Whether it works on HTTP streams, or on connections, before anything looks into them. */
  readonly type: "http" | "network";
  /** What it may call, in the order of the object. */
  readonly callouts: readonly Callout[];
  readonly failStrategy: FailStrategy;
  readonly metrics: readonly MetricDefinition[];
  /** Absent: a new version goes to all proxies at once. */
  readonly rollout?: RolloutPlan;
  /** `metadata.generation` in Kubernetes; standalone a hash of the spec. */
  readonly generation: string;
}

/**
 * Whether the object is for this workload, whatever the direction and the port. For one that targets Services, whether
 * it may be: that depends on the Services too. One that targets routes is for no workload as such.
 */
export function attachesTo(
  { namespace, selector, targetServices, targetRoutes }: Attachment,
  workload: Workload,
  rootNamespace: string,
): boolean {
  if (targetRoutes !== undefined) return false;
  if (targetServices !== undefined) return namespace === workload.namespace;
  if (namespace !== workload.namespace && namespace !== rootNamespace) return false;
  return selector === undefined || matchesLabels(selector, workload.labels);
}

/** Whether an object that targets Services targets one of these; of any other it is not the Services that decide. */
export function targetsAny(
  { namespace, targetServices }: Attachment,
  services: readonly Service[],
  direction: Direction,
): boolean {
  if (targetServices === undefined) return true;
  return (
    direction === "server" &&
    services.some((service) => service.namespace === namespace && targetServices.includes(service.name))
  );
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
