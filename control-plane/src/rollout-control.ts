import type { Logger } from "./log.js";
import { compareStrings } from "./model/compare.js";
import type { ModuleState } from "./model/module-state.js";
import { servedPlugin } from "./model/module-state.js";
import { objectKey } from "./model/object-ref.js";
import type { RolloutReport } from "./model/rollout.js";
import type { Snapshot } from "./model/snapshot.js";
import type { ModuleCache } from "./modules/module-cache.js";
import type { Modules } from "./modules/modules.js";
import { withBytes } from "./modules/remembered-modules.js";
import { remoteRolloutProxies, rolloutProxies } from "./proxy-reports.js";
import type { ReportedProxy } from "./replicas/replica-report.js";
import type { HealthReader } from "./rollout/health-reader.js";
import { type Answer, createRollouts, type Rollouts } from "./rollout/rollouts.js";
import type { StoredStatus } from "./status/document.js";
import { rememberedPlugins } from "./status/remembered.js";
import { rememberedRollouts } from "./status/remembered-rollout.js";
import type { IncrementalTranslation } from "./translate/incremental.js";
import type { ProxySync } from "./xds/provider.js";

export interface RolloutControlOptions {
  /** Whether this replica moves rollouts on. */
  readonly isLeading: () => boolean;
  readonly statuses: readonly StoredStatus[];
  readonly cache: ModuleCache;
  readonly snapshot: () => Snapshot;
  readonly modules: () => Modules;
  readonly proxies: () => readonly ProxySync[];
  /** Proxies of a plugin that are connected to other replicas. */
  readonly remote: (pluginKey: string) => readonly ReportedProxy[];
  readonly translation: IncrementalTranslation;
  readonly healthReader: HealthReader;
  readonly onChange: (states: ReadonlyMap<string, ModuleState>, cause: string) => void;
  /** What the status should say is another now. */
  readonly onReport: () => void;
  /** Writes the status. */
  readonly writeStatus: () => Promise<void>;
  readonly logger: Logger;
}

/** How often the proxies of a rollout are asked how they are. */
const POLL_MS = 1000;
/** A disk that hangs must not keep a bad version in force. */
const REMEMBER_MS = 5000;

/** Rollouts, with what they ask and tell of the rest of the control plane. */
export async function createRolloutControl(options: RolloutControlOptions): Promise<Rollouts> {
  const { cache, logger, translation, healthReader } = options;
  return createRollouts({
    isLeading: options.isLeading,
    remembered: await candidatesWithBytes(rememberedRollouts(options.statuses), cache),
    plan: (plugin) => options.snapshot().plugins.get(plugin)?.rollout,
    proxies: (plugin) => {
      const module = options.snapshot().modules.get(plugin);
      const local = rolloutProxies(plugin, options.proxies(), translation, module);
      const remote = remoteRolloutProxies(plugin, options.remote(plugin), module);
      return [...local, ...remote].sort((a, b) => compareStrings(a.key, b.key));
    },
    readHealth: (proxyKey, signal) => {
      const workload = options.snapshot().workloads.get(proxyKey);
      if (workload === undefined) return Promise.reject(new Error("its WorkloadEntry is gone"));
      return healthReader.read(proxyKey, workload.address, signal);
    },
    isRejected: (plugin, version) =>
      options
        .modules()
        .rejected(plugin)
        .some((rejected) => rejected.version === version),
    reject: (plugin, version, message) => options.modules().reject(plugin, version, message),
    fetchBytes: (plugin, served, signal) => options.modules().bytesOf(plugin, served, signal),
    onChange: options.onChange,
    onReport: options.onReport,
    remember: () => atMost(options.writeStatus(), REMEMBER_MS),
    onEvent: (level, message) => logger[level](message, { kind: "rollout" }),
    pollMs: POLL_MS,
  });
}

/** Ends with the work, however it ends, or when the time is over. */
function atMost(work: Promise<void>, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs);
    void work
      .catch(() => undefined)
      .then(() => {
        clearTimeout(timer);
        resolve();
      });
  });
}

/** Adds the bytes of the versions on their way, where the cache has them. */
async function candidatesWithBytes(
  reports: ReadonlyMap<string, RolloutReport>,
  cache: ModuleCache,
): Promise<ReadonlyMap<string, RolloutReport>> {
  const candidates = [...reports].flatMap(([key, { candidate }]) =>
    candidate === undefined ? [] : [[key, { lastGood: candidate, rejected: [] }] as const],
  );
  const complete = await withBytes(new Map(candidates), cache);
  return new Map(
    [...reports].map(([key, report]) => {
      const candidate = complete.get(key)?.lastGood;
      return [key, candidate === undefined ? report : { ...report, candidate }];
    }),
  );
}

/** Does what the replica that leads has written of a plugin: all replicas serve the same versions. */
export function followStatus(
  stored: StoredStatus,
  { rollouts, modules }: { readonly rollouts: Rollouts; readonly modules: Modules },
): void {
  const key = objectKey(stored.object);
  const known = new Set(modules.rejected(key).map(({ version }) => version));
  for (const { version, message } of rememberedPlugins([stored]).get(key)?.rejected ?? [])
    if (!known.has(version)) modules.reject(key, version, message);
  rollouts.follow(key, rememberedRollouts([stored]).get(key));
}

/** One line of `weft rollout status`. */
export interface RolloutListing extends Omit<RolloutReport, "candidate"> {
  readonly plugin: string;
  /** Digest of the version in force. */
  readonly stable?: string;
}

/** The rollouts that there are, or were last, by plugin. */
export function listRollouts(rollouts: Rollouts, { plugins, modules }: Snapshot): readonly RolloutListing[] {
  return [...plugins.keys()].sort().flatMap((plugin) => {
    const report = rollouts.report(plugin);
    if (report === undefined) return [];
    const { candidate: _candidate, ...rest } = report;
    const stable = servedPlugin(modules.get(plugin))?.digest;
    return [{ plugin, ...rest, ...(stable === undefined ? {} : { stable }) }];
  });
}

/** What may be asked of a rollout over the admin socket: `{"plugin": "<namespace>/<name>"}` to each. */
export function rolloutActions(rollouts: Rollouts): Readonly<Record<string, (body: unknown) => Answer>> {
  const about = (act: (plugin: string) => Answer) => (body: unknown) => {
    const plugin = typeof body === "object" && body !== null && "plugin" in body ? body.plugin : undefined;
    if (typeof plugin === "string") return act(plugin);
    return { ok: false, message: 'say which plugin: {"plugin": "<namespace>/<name>"}' } as const;
  };
  return {
    "/rollouts/pause": about(rollouts.pause),
    "/rollouts/resume": about(rollouts.resume),
    "/rollouts/abort": about(rollouts.abort),
  };
}
