import type { FailStrategy } from "./plugin.js";
import type { MetricDefinition, PluginManifest } from "./plugin-manifest.js";
import type { RolloutShare } from "./rollout.js";
import type { Verified } from "./verification.js";

/** A proven module with the configuration that it was proven with: all that defines a filter. */
export interface ServedPlugin {
  /** Hash of all that follows but the bytes; computable from status alone. */
  readonly version: string;
  /** Digest of the image manifest, `sha256:…`; of a `file://` module, of its bytes. */
  readonly digest: string;
  /** Hexadecimal sha256 of the module as it came. */
  readonly wasmSha256: string;
  /** Hexadecimal sha256 of the module as proxies get it: with the memory maximum in it. */
  readonly servedSha256: string;
  /** Most memory of one VM. */
  readonly memoryBytes: number;
  /** Host functions and callbacks that Envoy lets it use, sorted; empty: all. */
  readonly capabilities: readonly string[];
  /** Environment variables of the VM, sorted by name. */
  readonly env: Readonly<Record<string, string>>;
  readonly verified: Verified;
  /** Why the pre-flight can say nothing of it; absent: it passed. */
  readonly unproven?: string;
  /** Where the image came from, as the object named it. */
  readonly url: string;
  readonly manifest: PluginManifest;
  /** The manifest's series and the object's. */
  readonly metrics: readonly MetricDefinition[];
  readonly rootId: string;
  /** Canonical JSON. */
  readonly config: string;
  readonly vmId: string;
  readonly failStrategy: FailStrategy;
  /** As proxies get it. Absent while the bytes cannot be had, for example after a restart with an empty cache and the registry down. */
  readonly wasm?: Uint8Array;
}

/** The steps that a module passes, in their order; each is a condition of the status. */
export type ModuleStage = "Resolved" | "Verified" | "Validated";

export interface ModuleFailure {
  readonly stage: ModuleStage;
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
  /** RFC 3339; absent when only a change of the object or the image can help. */
  readonly nextAttempt?: string;
}

/** What is known of a plugin's module now. Getting it is somebody else's work. */
export type ModuleState = ModuleKnowledge & {
  /** Another version than the one in force is on its way to the proxies. */
  readonly rollout?: RolloutShare;
};

type ModuleKnowledge =
  /** Nothing is known yet of what the object wants now. */
  | { readonly kind: "pending"; readonly message: string; readonly lastGood?: ServedPlugin }
  | { readonly kind: "ready"; readonly served: ServedPlugin }
  | {
      readonly kind: "failed";
      readonly failure: ModuleFailure;
      readonly digest?: string;
      readonly lastGood?: ServedPlugin;
    };

/** What proxies should run: the ready module, else the last good one, else nothing. */
export function servedPlugin(state: ModuleState | undefined): ServedPlugin | undefined {
  if (state === undefined) return undefined;
  return state.kind === "ready" ? state.served : state.lastGood;
}
