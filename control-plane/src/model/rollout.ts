import { type ModuleState, type ServedPlugin, servedPlugin } from "./module-state.js";

/** How a new version of a plugin comes to the proxies: `spec.rollout`. */
export interface RolloutPlan {
  /** Strictly increasing weights; all proxies follow after the last. */
  readonly steps: readonly RolloutStep[];
  readonly maxFailures: MaxFailures;
}

export interface RolloutStep {
  /** Percentage of the proxies. */
  readonly weight: number;
  /** How long all proxies of the step must have run the version well before the next step. */
  readonly pauseMs: number;
}

/** How much worse than the version in force a new one may be, in answers of status 5xx. */
export type MaxFailures =
  | { readonly kind: "count"; readonly count: number }
  /** Of the requests, 0 to 1. */
  | { readonly kind: "fraction"; readonly fraction: number };

/** A version on its way to the proxies. The one that it replaces is the module's state. */
export interface RolloutShare {
  readonly candidate: ServedPlugin;
  /** Which proxies have it: those whose bucket is below. 0 is none, {@link BUCKETS} all. */
  readonly limit: number;
}

/** Where a rollout stands, for people and for the control plane's next run. */
export interface RolloutReport {
  readonly state: "Progressing" | "Paused" | "Completed" | "RolledBack" | "Aborted";
  /** `preparing`: the step's health before is read; `observing`: its proxies have the new version. */
  readonly phase: "preparing" | "observing";
  /** From one. */
  readonly step: number;
  readonly steps: number;
  /** Percentage of the proxies that the step is for. */
  readonly weight: number;
  /** See {@link RolloutShare}; it differs from the weight where proxies are few. */
  readonly limit: number;
  /** RFC 3339; when the phase, or the end, began. */
  readonly since: string;
  /** What is waited for, or why it ended. */
  readonly message: string;
  /** Of the version that is, or was, on its way. */
  readonly version: string;
  readonly digest: string;
  /** Connected proxies that run the one version or the other; absent when the rollout has ended. */
  readonly proxies?: { readonly candidate: number; readonly stable: number };
  /** Absent when the rollout has ended. */
  readonly candidate?: ServedPlugin;
}

/** Proxies are put into this many buckets, so that a weight in percent is a number of buckets. */
export const BUCKETS = 100;

/**
 * The bucket of a proxy for one plugin, 0 to 99. It never changes, so a proxy that has a new version keeps it while the
 * weight grows; and it differs from plugin to plugin, so it is not always the same proxies that go first.
 */
export function bucketOf(pluginKey: string, proxyKey: string): number {
  return hash32(`${pluginKey}\n${proxyKey}`) % BUCKETS;
}

/** Whether a proxy is among those that have the new version. */
export function hasCandidate(state: ModuleState | undefined, pluginKey: string, proxyKey: string): boolean {
  return state?.rollout !== undefined && bucketOf(pluginKey, proxyKey) < state.rollout.limit;
}

/** What one proxy should run of a plugin: the version on its way, or the one in force, or nothing. */
export function servedTo(
  state: ModuleState | undefined,
  pluginKey: string,
  proxyKey: string,
): ServedPlugin | undefined {
  return hasCandidate(state, pluginKey, proxyKey) ? state?.rollout?.candidate : servedPlugin(state);
}

/** All versions that some proxy may run now. */
export function servedVersions(state: ModuleState | undefined): readonly ServedPlugin[] {
  return [servedPlugin(state), state?.rollout?.candidate].filter((served) => served !== undefined);
}

/** FNV-1a with the finish of MurmurHash3, which spreads keys that differ in their last characters only. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
