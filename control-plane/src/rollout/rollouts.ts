import type { ModuleState, ServedPlugin } from "../model/module-state.js";
import { bucketOf, type RolloutPlan, type RolloutReport } from "../model/rollout.js";
import { adopt, holdOf, type Run, type Track, trackedState } from "./adopt.js";
import { follow } from "./follow.js";
import { healthOf, type StatsSite } from "./health-stats.js";
import { beginProgress, type ObservedProxy, type Reading, type RolloutProgress } from "./progress.js";
import { firstVersion, outcomeOf, placeOf, reportOf, resumedRun } from "./report.js";
import { type Effect, proxiesToRead, step } from "./step.js";

/** A connected proxy that should run a plugin. */
export interface RolloutProxy {
  readonly key: string;
  /** Whether it acknowledged all that it should have of the plugin now. */
  readonly acked: boolean;
  readonly site: StatsSite;
}

/** What somebody asked for came to. */
export type Answer = { readonly ok: true; readonly message: string } | { readonly ok: false; readonly message: string };

/** Stands between the proof of versions and the store: brings a new version to the proxies step by step. */
export interface Rollouts {
  /** Takes what is newly known of modules; returns what the store should know instead. Undefined forgets a plugin. */
  take(states: ReadonlyMap<string, ModuleState | undefined>): ReadonlyMap<string, ModuleState | undefined>;
  /** A proxy refused the version that is on its way. */
  refused(pluginKey: string, proxyKey: string, message: string): void;
  /** Where a plugin's rollout stands, or how the last one ended; undefined where there was none. */
  report(pluginKey: string): RolloutReport | undefined;
  /**
   * The version that goes back, from the decision until {@link RolloutsOptions.reject} has it: whoever remembers what is
   * refused must remember it too.
   */
  condemned(pluginKey: string): Condemned | undefined;
  /** Stays at the step where it is. It may still go back. */
  pause(pluginKey: string): Answer;
  resume(pluginKey: string): Answer;
  /** Goes back to the version in force; the new one is never tried again. */
  abort(pluginKey: string): Answer;
  /** Takes where the replica that leads says that a rollout stands; it is of no interest to one that leads itself. */
  follow(pluginKey: string, report: RolloutReport | undefined): void;
  /** Goes on from where the rollouts stand, as the replica that leads from now on. */
  lead(): void;
  close(): void;
}

export interface Condemned {
  readonly version: string;
  readonly message: string;
}

export interface RolloutsOptions {
  /** Whether this replica moves rollouts on; one that does not follows. Default: it does. */
  readonly isLeading?: () => boolean;
  /** What the last run knew, by plugin. */
  readonly remembered: ReadonlyMap<string, RolloutReport>;
  readonly plan: (pluginKey: string) => RolloutPlan | undefined;
  readonly proxies: (pluginKey: string) => readonly RolloutProxy[];
  /** All counters that tell of health, by name. Rejects when they cannot be read. */
  readonly readHealth: (proxyKey: string, signal: AbortSignal) => Promise<ReadonlyMap<string, number>>;
  readonly isRejected: (pluginKey: string, version: string) => boolean;
  /** The version must never be tried again. May call {@link Rollouts.take}. */
  readonly reject: (pluginKey: string, version: string, message: string) => void;
  /** The bytes of a version that is known by its status only; undefined when there are none any more. */
  readonly fetchBytes: (
    pluginKey: string,
    served: ServedPlugin,
    signal: AbortSignal,
  ) => Promise<Uint8Array | undefined>;
  /** `cause` says for people what the change comes from. */
  readonly onChange: (states: ReadonlyMap<string, ModuleState>, cause: string) => void;
  /** A report is another now. */
  readonly onReport: () => void;
  /** Writes down what is known now. It never rejects, and takes no longer than proxies can wait. */
  readonly remember: () => Promise<void>;
  /** For people: a step, or an end. */
  readonly onEvent: (level: "info" | "warn", message: string) => void;
  /** How long after one look at the proxies the next is. */
  readonly pollMs: number;
}

const MAX_READS = 16;
const FETCH_AGAIN_MS = 5000;

export function createRollouts(options: RolloutsOptions): Rollouts {
  const tracks = new Map<string, Track>();
  const outcomes = new Map<string, RolloutReport>();
  const remembered = new Map(options.remembered);
  /** By plugin and proxy, of the version on its way. */
  const refusals = new Map<string, Map<string, string>>();
  /** What goes back as soon as it is written down, by plugin. */
  const condemned = new Map<string, Condemned>();
  /** When the bytes of a version in force are asked for again, by plugin. */
  const fetchAgainMs = new Map<string, number>();
  /** What the replica that leads said last, by plugin. */
  const followed = new Map<string, RolloutReport>();
  const { isLeading = () => true } = options;
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  /** Whether something happened during a look that asks for another. */
  let isSoon = false;

  const observe = (pluginKey: string, readings: ReadonlyMap<string, Reading> = new Map()): ObservedProxy[] =>
    options.proxies(pluginKey).map(({ key, acked }) => {
      const refusal = refusals.get(pluginKey)?.get(key);
      const reading = readings.get(key);
      return {
        key,
        bucket: bucketOf(pluginKey, key),
        acked,
        ...(refusal === undefined ? {} : { refusal }),
        ...(reading === undefined ? {} : { reading }),
      };
    });

  const readAll = async (pluginKey: string, keys: readonly string[]): Promise<ReadonlyMap<string, Reading>> => {
    const sites = new Map(options.proxies(pluginKey).map(({ key, site }) => [key, site]));
    const readings = new Map<string, Reading>();
    const queue = [...keys];
    const work = async () => {
      for (let key = queue.shift(); key !== undefined; key = queue.shift()) {
        const site = sites.get(key);
        if (site === undefined) continue;
        readings.set(
          key,
          await options.readHealth(key, stop.signal).then(
            (stats): Reading => ({ ok: true, counters: healthOf(stats, site) }),
            (error: unknown): Reading => ({
              ok: false,
              message: error instanceof Error ? error.message : String(error),
            }),
          ),
        );
      }
    };
    await Promise.all(Array.from({ length: MAX_READS }, work));
    return readings;
  };

  /**
   * After a restart without a cache the version in force may be known by its status only, while modules got the one on
   * its way. New proxies need the bytes.
   */
  const fetchStable = async (pluginKey: string) => {
    const stable = tracks.get(pluginKey)?.stable;
    if (stable === undefined || stable.wasm !== undefined || Date.now() < (fetchAgainMs.get(pluginKey) ?? 0)) return;
    fetchAgainMs.set(pluginKey, Date.now() + FETCH_AGAIN_MS);
    try {
      const wasm = await options.fetchBytes(pluginKey, stable, stop.signal);
      const track = tracks.get(pluginKey);
      if (wasm === undefined || track?.stable !== stable) return;
      tracks.set(pluginKey, { ...track, stable: { ...stable, wasm } });
      publish(pluginKey, "");
    } catch (error) {
      if (stop.signal.aborted) return;
      const why = error instanceof Error ? error.message : String(error);
      options.onEvent("warn", `WasmPlugin ${pluginKey}: the version in force cannot be had for new proxies: ${why}`);
    }
  };

  /** Reads the proxies, then takes one step. */
  const look = async (pluginKey: string) => {
    void fetchStable(pluginKey);
    const run = tracks.get(pluginKey)?.run;
    const plan = options.plan(pluginKey);
    if (run === undefined || plan === undefined) return;
    const readings = await readAll(pluginKey, proxiesToRead(plan, run.progress, observe(pluginKey)));
    advance(pluginKey, run.candidate.version, readings);
  };

  const advance = (pluginKey: string, version: string, readings?: ReadonlyMap<string, Reading>) => {
    const track = tracks.get(pluginKey);
    const plan = options.plan(pluginKey);
    // Another version, or none, may be on its way by now.
    if (stop.signal.aborted || plan === undefined || track?.run?.candidate.version !== version) return;
    // Another replica may have come to lead while the proxies were asked.
    if (!isLeading()) return;
    if (condemned.get(pluginKey)?.version === version) return;
    const { progress, effects } = step(
      plan,
      track.run.progress,
      observe(pluginKey, readings),
      Date.now(),
      holdOf(track),
    );
    const run = { ...track.run, progress };
    tracks.set(pluginKey, { ...track, run });
    if (isNews(track.run.progress, progress)) options.onReport();
    for (const effect of effects) perform(pluginKey, run, plan, effect);
    if (effects.length > 0) wake(0);
  };

  const perform = (pluginKey: string, run: Run, plan: RolloutPlan, effect: Effect) => {
    const { candidate, progress } = run;
    const place = placeOf(progress, plan);
    if (effect.kind === "roll-back") return end(pluginKey, "RolledBack", effect.message);
    if (effect.kind === "complete") return end(pluginKey, "Completed", `all proxies have ${candidate.digest}`);
    const what = `plugin ${pluginKey} ${candidate.wasmSha256.slice(0, 12)} step ${place.step} of ${place.steps}`;
    publish(pluginKey, `${what} (weight ${place.weight})`);
  };

  const end = (pluginKey: string, state: "Completed" | "RolledBack" | "Aborted", message: string) => {
    const track = tracks.get(pluginKey);
    if (track?.run === undefined) return;
    const { run, ...rest } = track;
    const { candidate, progress } = run;
    const plan = options.plan(pluginKey) ?? { steps: [], maxFailures: { kind: "count", count: 0 } };
    const place = { ...placeOf(progress, plan), since: new Date().toISOString() };
    outcomes.set(pluginKey, outcomeOf(state, candidate, { ...place, message }));
    refusals.delete(pluginKey);
    if (state !== "Completed") return goBack(pluginKey, candidate, message, state === "RolledBack" ? "warn" : "info");
    tracks.set(pluginKey, { ...rest, stable: candidate });
    publish(pluginKey, `plugin ${pluginKey} ${shortSha(candidate)}`);
    told(pluginKey, "info", message);
  };

  /**
   * First the decision is written down, then acted on. A control plane that is killed in between, and one that knows
   * nothing but what is written, never gives proxies again what was taken from them.
   */
  const goBack = (
    pluginKey: string,
    { version, ...candidate }: ServedPlugin,
    message: string,
    level: "info" | "warn",
  ) => {
    condemned.set(pluginKey, { version, message });
    void options.remember().then(() => {
      // Gone meanwhile, with its plugin.
      if (!condemned.has(pluginKey) || stop.signal.aborted) return;
      if (condemned.get(pluginKey)?.version === version) condemned.delete(pluginKey);
      const track = tracks.get(pluginKey);
      if (track?.run?.candidate.version === version) {
        const { run: _, ...rest } = track;
        tracks.set(pluginKey, rest);
      }
      options.reject(pluginKey, version, message);
      publish(pluginKey, `plugin ${pluginKey} back from ${shortSha(candidate)}`);
      told(pluginKey, level, message);
    });
  };

  const told = (pluginKey: string, level: "info" | "warn", message: string) => {
    // Whoever has refused the version for us has told why.
    if (tracks.get(pluginKey)?.proven.kind !== "failed") options.onEvent(level, `WasmPlugin ${pluginKey}: ${message}`);
    options.onReport();
  };

  const isRejected = (pluginKey: string, version: string) =>
    options.isRejected(pluginKey, version) || condemned.get(pluginKey)?.version === version;

  const publish = (pluginKey: string, cause: string) => {
    const track = tracks.get(pluginKey);
    if (track !== undefined) options.onChange(new Map([[pluginKey, trackedState(track)]]), cause);
  };

  const wake = (delayMs: number) => {
    if (stop.signal.aborted || !isLeading()) return;
    if (looking) {
      isSoon ||= delayMs === 0;
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(() => void round(), delayMs);
  };
  const round = async () => {
    looking = true;
    isSoon = false;
    await Promise.all([...tracks].flatMap(([key, { run }]) => (run === undefined ? [] : look(key))));
    looking = false;
    if ([...tracks.values()].some(({ run }) => run !== undefined)) wake(isSoon ? 0 : options.pollMs);
  };

  const takeOne = (pluginKey: string, proven: ModuleState): ModuleState => {
    const known = tracks.get(pluginKey) ?? resumed(pluginKey, proven);
    const track = adopt(known, proven, {
      plan: options.plan(pluginKey),
      isRejected: (version) => isRejected(pluginKey, version),
      nowMs: Date.now(),
    });
    tracks.set(pluginKey, track);
    const plan = options.plan(pluginKey);
    if (plan !== undefined && proven.kind === "ready" && known?.stable === undefined)
      outcomes.set(pluginKey, firstVersion(proven.served, plan, Date.now()));
    if (track.run !== undefined && track.run.candidate.version !== known?.run?.candidate.version) {
      outcomes.delete(pluginKey);
      refusals.delete(pluginKey);
      options.onEvent("info", `WasmPlugin ${pluginKey}: ${track.run.candidate.digest} is rolled out step by step`);
    }
    if (track.run !== undefined) wake(0);
    if (!isLeading()) followReport(pluginKey);
    return trackedState(tracks.get(pluginKey) ?? track);
  };

  /** Returns whether proxies are given something else by it. */
  const followReport = (pluginKey: string): boolean => {
    const track = tracks.get(pluginKey);
    const report = followed.get(pluginKey);
    if (track === undefined) return false;
    const next = follow(track, report, Date.now());
    if (report !== undefined && report.candidate === undefined) outcomes.set(pluginKey, report);
    if (next.kind === "unchanged") return false;
    if (next.kind === "refused") {
      const { run, ...rest } = track;
      if (run?.candidate.version === next.version) tracks.set(pluginKey, rest);
      // What becomes of it comes back through take.
      options.reject(pluginKey, next.version, next.message);
      return true;
    }
    tracks.set(pluginKey, next.kind === "completed" ? next.track : { ...track, run: next.run });
    return true;
  };

  /** What the last run of the control plane left, for a plugin that is seen for the first time. */
  const resumed = (pluginKey: string, proven: ModuleState): Track | undefined => {
    const report = remembered.get(pluginKey);
    if (report === undefined) return undefined;
    const run = resumedRun(report, Date.now());
    if (run === undefined) outcomes.set(pluginKey, report);
    else if (!isRejected(pluginKey, run.candidate.version)) {
      const stable = proven.kind === "ready" ? undefined : proven.lastGood;
      if (stable !== undefined) return { proven, stable, run };
    }
    return undefined;
  };

  const setPaused = (pluginKey: string, paused: boolean) => {
    const track = tracks.get(pluginKey);
    if (track?.run === undefined) return;
    const message = paused ? "paused by hand" : "looked at again";
    const progress = { ...track.run.progress, paused, message };
    tracks.set(pluginKey, { ...track, run: { ...track.run, progress } });
    options.onReport();
    wake(0);
  };
  const asked = (pluginKey: string, done: string, act: () => void): Answer => {
    if (!isLeading()) return { ok: false, message: "another replica of the control plane leads: ask that one" };
    if (tracks.get(pluginKey)?.run === undefined || condemned.has(pluginKey))
      return { ok: false, message: `no version of WasmPlugin ${pluginKey} is being rolled out` };
    act();
    const message = `WasmPlugin ${pluginKey}: ${done}`;
    options.onEvent("info", message);
    return { ok: true, message };
  };

  return {
    take(states) {
      const known = new Map<string, ModuleState | undefined>();
      for (const [key, state] of states) {
        if (state === undefined)
          for (const map of [tracks, outcomes, refusals, condemned, fetchAgainMs, followed]) map.delete(key);
        known.set(key, state && takeOne(key, state));
      }
      // What is remembered is of the plugins that there were; one that comes later under an old name is another.
      remembered.clear();
      return known;
    },
    refused(pluginKey, proxyKey, message) {
      const version = tracks.get(pluginKey)?.run?.candidate.version;
      if (version === undefined) return;
      const known = refusals.get(pluginKey) ?? new Map<string, string>();
      refusals.set(pluginKey, known.set(proxyKey, message));
      advance(pluginKey, version);
    },
    report(pluginKey) {
      const track = tracks.get(pluginKey);
      const plan = options.plan(pluginKey);
      if (track?.run === undefined || plan === undefined || condemned.has(pluginKey)) return outcomes.get(pluginKey);
      return reportOf(pluginKey, track, track.run, { plan, proxies: observe(pluginKey) });
    },
    condemned: (key) => condemned.get(key),
    pause: (key) => asked(key, "the rollout stays at its step", () => setPaused(key, true)),
    resume: (key) => asked(key, "the rollout goes on", () => setPaused(key, false)),
    abort: (key) =>
      asked(key, "the rollout is over; all proxies go back", () => end(key, "Aborted", "aborted by hand")),
    follow(pluginKey, report) {
      if (isLeading() || stop.signal.aborted) return;
      if (report === undefined) followed.delete(pluginKey);
      else followed.set(pluginKey, report);
      if (followReport(pluginKey)) publish(pluginKey, `plugin ${pluginKey} as the leading replica has it`);
    },
    lead() {
      followed.clear();
      for (const [pluginKey, track] of tracks) {
        if (track.run === undefined) continue;
        const { step: at, phase, limit, paused } = track.run.progress;
        const message = "another replica led until now; waiting for the proxies of the step";
        // What proxies counted until now the other replica knew.
        const progress = { ...beginProgress(Date.now()), step: at, phase, limit, paused, message };
        tracks.set(pluginKey, { ...track, run: { ...track.run, progress } });
      }
      wake(0);
    },
    close() {
      stop.abort();
      clearTimeout(timer);
    },
  };
}

function shortSha({ wasmSha256 }: Pick<ServedPlugin, "wasmSha256">): string {
  return wasmSha256.slice(0, 12);
}

/** Whether people, or the next run of the control plane, would see a difference. */
function isNews(before: RolloutProgress, after: RolloutProgress): boolean {
  return (
    before.message !== after.message ||
    before.step !== after.step ||
    before.phase !== after.phase ||
    before.limit !== after.limit
  );
}
