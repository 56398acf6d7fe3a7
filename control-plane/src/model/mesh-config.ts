import { objectKey } from "./object-ref.js";
import type { OutboundMode } from "./sidecar.js";
import { DEFAULT_TELEMETRY, type TelemetryDefaults } from "./telemetry.js";
import type { KeySource } from "./verification.js";

/** The one name that a MeshConfig may have. */
export const MESH_CONFIG_NAME = "default";

/** The mesh policy: kind MeshConfig, one object in the root namespace. */
export interface MeshConfig {
  readonly namespace: string;
  readonly name: string;
  readonly plugins: PluginPolicy;
  /** Absent: the default. */
  readonly scope?: ScopePolicy;
  readonly telemetry: TelemetryDefaults;
  /** What workloads with interception may call beside the mesh. Absent: anything. */
  readonly outbound?: OutboundMode;
}

/** What plugins may be and do, whatever their objects say. */
export interface PluginPolicy {
  /** What a plugin that breaks the policy is: refused, or served with a condition that says so. */
  readonly mode: "enforce" | "warn";
  readonly verification: {
    readonly required: boolean;
    /** Any of them is enough. */
    readonly keys: readonly KeySource[];
    /** Globs of `registry/repository` that `required` is about; empty: all. */
    readonly repositories: readonly string[];
  };
  /** Whether images must be named by their digest. */
  readonly requireDigest: boolean;
  /** Globs of `host[:port]` that images may come from; absent: any. `file://` stands for files of the folder. */
  readonly registries?: readonly string[];
  /** Host functions that plugins may call; absent: all. */
  readonly capabilities?: readonly string[];
}

export const DEFAULT_PLUGIN_POLICY: PluginPolicy = {
  mode: "enforce",
  verification: { required: false, keys: [], repositories: [] },
  requireDigest: false,
};

/** What callers without a Sidecar of their own have in scope. */
export interface ScopePolicy {
  /** Up to so many services that a caller sees, all are in its scope; beyond, those of its own namespace. */
  readonly maxServices: number;
}

export const DEFAULT_SCOPE_POLICY: ScopePolicy = { maxServices: 500 };

/** Whether this is the object that holds for the mesh. */
export function isInForce(config: MeshConfig, rootNamespace: string): boolean {
  return config.namespace === rootNamespace && config.name === MESH_CONFIG_NAME;
}

/** The policy that holds; without a MeshConfig the default. */
export function pluginPolicy(meshConfigs: ReadonlyMap<string, MeshConfig>, rootNamespace: string): PluginPolicy {
  const key = objectKey({ namespace: rootNamespace, name: MESH_CONFIG_NAME });
  return meshConfigs.get(key)?.plugins ?? DEFAULT_PLUGIN_POLICY;
}

/** How far scopes reach; without a MeshConfig the default. */
export function scopePolicy({
  meshConfigs,
  settings,
}: {
  readonly meshConfigs: ReadonlyMap<string, MeshConfig>;
  readonly settings: { readonly rootNamespace: string };
}): ScopePolicy {
  const key = objectKey({ namespace: settings.rootNamespace, name: MESH_CONFIG_NAME });
  return meshConfigs.get(key)?.scope ?? DEFAULT_SCOPE_POLICY;
}

/** What is logged and traced where no Telemetry says otherwise; without a MeshConfig the default. */
export function telemetryDefaults(
  meshConfigs: ReadonlyMap<string, MeshConfig>,
  rootNamespace: string,
): TelemetryDefaults {
  const key = objectKey({ namespace: rootNamespace, name: MESH_CONFIG_NAME });
  return meshConfigs.get(key)?.telemetry ?? DEFAULT_TELEMETRY;
}

/** What callers may reach beside the services of the mesh, where no Sidecar says otherwise. */
export function outboundMode(meshConfigs: ReadonlyMap<string, MeshConfig>, rootNamespace: string): OutboundMode {
  const key = objectKey({ namespace: rootNamespace, name: MESH_CONFIG_NAME });
  return meshConfigs.get(key)?.outbound ?? "ALLOW_ANY";
}
