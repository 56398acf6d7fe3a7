/** What a proxy counted since its Envoy started. */
export interface HealthCounters {
  /** Times that the plugin's VM broke, was made anew, or could not be. */
  readonly vmFailures: number;
  /** Failures that the plugin counts itself, or has counted: series of its manifest that are marked so. */
  readonly pluginFailures: number;
  /** Requests that were answered where the plugin stands. */
  readonly requests: number;
  /** Of these, those with a status of 500 or more. */
  readonly errors: number;
}

export type Reading =
  | { readonly ok: true; readonly counters: HealthCounters }
  /** `message` says why the proxy's health cannot be read. */
  | { readonly ok: false; readonly message: string };

/** A connected proxy that should run the plugin, in one version or the other. */
export interface ObservedProxy {
  readonly key: string;
  /** Those below the limit have the new version. */
  readonly bucket: number;
  /** Whether it acknowledged all that it should have of the plugin now. */
  readonly acked: boolean;
  /** Envoy's words, when it refused the new version. */
  readonly refusal?: string;
  /** Absent when it was not asked. */
  readonly reading?: Reading;
}

/** How far a rollout has come. */
export interface RolloutProgress {
  /** Index of the step. */
  readonly step: number;
  /** `preparing`: the health before the step is read, and nobody has the step's weight yet. */
  readonly phase: "preparing" | "observing";
  /** The proxies whose bucket is below have the new version now. */
  readonly limit: number;
  /** When the phase began. */
  readonly sinceMs: number;
  /** Since when all proxies of the step run it; undefined while some do not. */
  readonly settledMs: number | undefined;
  /** Whether a person wants it to stay where it is. */
  readonly paused: boolean;
  /** What each proxy had counted when the step began, or when it was first seen in it. */
  readonly baselines: ReadonlyMap<string, HealthCounters>;
  /** What each proxy had counted when it was read last. */
  readonly latest: ReadonlyMap<string, HealthCounters>;
  /** What the next step waits for, for people. */
  readonly message: string;
}

/** A rollout before its first step. */
export function beginProgress(nowMs: number): RolloutProgress {
  return {
    step: 0,
    phase: "preparing",
    limit: 0,
    sinceMs: nowMs,
    settledMs: undefined,
    paused: false,
    baselines: new Map(),
    latest: new Map(),
    message: "the health of the proxies is read before the first step",
  };
}
