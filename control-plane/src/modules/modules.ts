import { canonicalJson } from "../model/compare.js";
import type { ModuleFailure, ModuleState, ServedPlugin } from "../model/module-state.js";
import { servedPlugin } from "../model/module-state.js";
import type { Plugin } from "../model/plugin.js";
import type { PluginManifest } from "../model/plugin-manifest.js";
import { checkConfig } from "./config-schema.js";
import { failureOf } from "./failure.js";
import { foreignManifest } from "./foreign-manifest.js";
import { limited } from "./limited.js";
import type { ModuleSource } from "./module-source.js";
import { type PulledModule, servePlugin } from "./served-plugin.js";
import { checkModule, type StaticProblem } from "./static-checks.js";

/** A version that proxies refused; it is never pushed again. */
export interface RejectedVersion {
  readonly version: string;
  readonly message: string;
}

/** What a restarted control plane knows of a plugin from its status. */
export interface RememberedModule {
  readonly lastGood?: ServedPlugin;
  readonly rejected: readonly RejectedVersion[];
}

/** Gets, proves and keeps the modules of plugins. Nothing here is on the path of a push. */
export interface Modules {
  /** Takes the plugins that there are now. New and changed ones are worked on, gone ones forgotten. */
  reconcile(plugins: ReadonlyMap<string, Plugin>): void;
  /** A proxy refused this version: it is taken back everywhere, and the last good one served. */
  reject(key: string, version: string, message: string): void;
  rejected(key: string): readonly RejectedVersion[];
  close(): void;
}

export interface ModulesOptions {
  readonly source: ModuleSource;
  /** Runs a plugin as a proxy would; undefined when it came up. */
  readonly preflight: (key: string, served: ServedPlugin, signal: AbortSignal) => Promise<StaticProblem | undefined>;
  readonly decodeManifest: (
    text: string,
  ) => { ok: true; manifest: PluginManifest } | { ok: false; messages: readonly string[] };
  readonly maxModuleBytes: number;
  /** How often a moved tag is looked for with `imagePullPolicy: Always`. */
  readonly pollIntervalMs: number;
  /** What the last run knew, by plugin key. */
  readonly remembered: ReadonlyMap<string, RememberedModule>;
  readonly onChange: (states: ReadonlyMap<string, ModuleState | undefined>) => void;
}

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 60_000;
const MAX_PREFLIGHTS = 2;
/** Versions to go back to, each with its bytes. */
const MAX_PREVIOUS = 3;
/** Refused versions of one plugin that are known by heart. */
const MAX_REFUSED = 100;
const MAX_PROVEN = 100;

export function createModules(given: ModulesOptions): Modules {
  // Each is an Envoy of its own; a mesh that starts has many plugins to prove at once.
  const preflight: ModulesOptions["preflight"] = async (key, served, signal) =>
    signal.aborted ? undefined : given.preflight(key, served, signal);
  const options = { ...given, preflight: limited(MAX_PREFLIGHTS, preflight) };
  const workers = new Map<string, Worker>();
  const remembered = new Map(options.remembered);
  return {
    reconcile(plugins) {
      const changes = new Map<string, ModuleState | undefined>();
      for (const [key, worker] of workers)
        if (!plugins.has(key)) {
          worker.stop();
          workers.delete(key);
          changes.set(key, undefined);
        }
      for (const [key, plugin] of plugins) {
        const worker = workers.get(key);
        if (worker !== undefined) {
          if (worker.plugin !== plugin) worker.update(plugin);
          continue;
        }
        const created = new Worker(key, plugin, remembered.get(key), options);
        workers.set(key, created);
        changes.set(key, created.state);
        created.start();
      }
      // What is remembered is of the plugins that there were; one that comes later under an old name is another.
      remembered.clear();
      if (changes.size > 0) options.onChange(changes);
    },
    reject(key, version, message) {
      workers.get(key)?.reject(version, message);
    },
    rejected(key) {
      return workers.get(key)?.rejected ?? [];
    },
    close() {
      for (const worker of workers.values()) worker.stop();
    },
  };
}

/** One plugin's module: resolve, pull, check, prove; then look again when it may have moved. */
class Worker {
  readonly #key: string;
  readonly #options: ModulesOptions;
  #plugin: Plugin;
  #state: ModuleState;
  #rejected: readonly RejectedVersion[];
  /** Versions that did not pass, with why: they are not tried again. */
  readonly #refused = new Map<string, StaticProblem>();
  /** Versions that passed, so that going back to one takes no proof. */
  readonly #proven = new Set<string>();
  #round = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(key: string, plugin: Plugin, remembered: RememberedModule | undefined, options: ModulesOptions) {
    this.#key = key;
    this.#plugin = plugin;
    this.#options = options;
    this.#rejected = remembered?.rejected ?? [];
    const lastGood = this.#isRejected(remembered?.lastGood) ? undefined : remembered?.lastGood;
    if (lastGood !== undefined) this.#proven.add(trialOf(lastGood));
    this.#state = {
      kind: "pending",
      message: "waiting for the registry",
      ...(lastGood === undefined ? {} : { lastGood }),
    };
  }

  get plugin(): Plugin {
    return this.#plugin;
  }

  get state(): ModuleState {
    return this.#state;
  }

  get rejected(): readonly RejectedVersion[] {
    return this.#rejected;
  }

  start(): void {
    this.#begin();
  }

  update(plugin: Plugin): void {
    this.#plugin = plugin;
    this.#failures = 0;
    const lastGood = servedPlugin(this.#state);
    this.#set({ kind: "pending", message: "being checked", ...(lastGood === undefined ? {} : { lastGood }) });
    this.#begin();
  }

  stop(): void {
    this.#round.abort();
    clearTimeout(this.#timer);
  }

  reject(version: string, message: string): void {
    if (this.#rejected.some((r) => r.version === version)) return;
    this.#rejected = [...this.#rejected, { version, message }].slice(-20);
    this.#previousGood = this.#previousGood.filter((previous) => previous.version !== version);
    const current = servedPlugin(this.#state);
    if (current?.version !== version) return;
    const [previous] = this.#previousGood;
    this.#set({
      kind: "failed",
      failure: { stage: "Validated", reason: "RejectedByProxy", message },
      digest: current.digest,
      ...(previous === undefined ? {} : { lastGood: previous }),
    });
  }

  /** What was good before the version in force, the newest first. */
  #previousGood: readonly ServedPlugin[] = [];

  #isRejected(served: ServedPlugin | undefined): boolean {
    return this.#rejected.some(({ version }) => version === served?.version);
  }

  #begin(): void {
    this.#round.abort();
    clearTimeout(this.#timer);
    this.#round = new AbortController();
    const { signal } = this.#round;
    void this.#attempt(signal);
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    let failure = await this.#work(signal).catch(failureOf);
    if (signal.aborted) return;
    const missing = await this.#fetchLastGood(signal).then(() => undefined, failureOf);
    if (signal.aborted) return;
    if (missing !== undefined && failure === undefined && this.#state.kind === "failed") {
      const { message } = this.#state.failure;
      failure = {
        ...this.#state.failure,
        message: `${message}; nor is there the last good version: ${missing.message}`,
      };
    }
    if (failure !== undefined) this.#retryLater(failure);
  }

  /** The last good version may be known by its status only. New proxies need its bytes also where another is wanted. */
  async #fetchLastGood(signal: AbortSignal): Promise<void> {
    const lastGood = servedPlugin(this.#state);
    if (lastGood === undefined || lastGood.wasm !== undefined) return;
    const { wasm, wasmSha256 } = await this.#options.source.pull(
      { ...this.#plugin, url: lastGood.url },
      lastGood.digest,
      signal,
    );
    // What has other content, as a file may by now, is another version.
    if (signal.aborted || wasmSha256 !== lastGood.wasmSha256 || this.#state.kind === "ready") return;
    this.#state = { ...this.#state, lastGood: { ...lastGood, wasm } };
    this.#options.onChange(new Map([[this.#key, this.#state]]));
  }

  /** Returns what failed and may go well another time. */
  async #work(signal: AbortSignal): Promise<ModuleFailure | undefined> {
    const { source } = this.#options;
    const plugin = this.#plugin;
    const served = servedPlugin(this.#state);
    // A tag is asked for once, unless the object says Always.
    const known = plugin.imagePullPolicy === "IfNotPresent" && served?.url === plugin.url ? served.digest : undefined;
    const digest =
      plugin.sha256 === undefined && known !== undefined && !plugin.url.startsWith("file://")
        ? known
        : await source.resolve(plugin, signal);
    if (signal.aborted) return undefined;
    const same = served?.digest === digest && served.wasm !== undefined;
    const module: PulledModule = same
      ? { digest, wasmSha256: served.wasmSha256, wasm: served.wasm as Uint8Array }
      : await source.pull(plugin, digest, signal);
    if (signal.aborted) return undefined;
    const manifest = same ? served.manifest : this.#manifestOf(module);
    if ("reason" in manifest) {
      this.#fail({ stage: "Verified", ...manifest }, digest);
      this.#lookAgain();
      return undefined;
    }
    const transient = await this.#prove(servePlugin(plugin, module, manifest), signal);
    if (transient === undefined && !signal.aborted) this.#lookAgain();
    return transient;
  }

  #manifestOf(module: PulledModule): PluginManifest | StaticProblem {
    const problem = checkModule(module.wasm, this.#options.maxModuleBytes);
    if (problem !== undefined) return problem;
    if (module.pluginYaml === undefined) return foreignManifest(this.#plugin);
    const decoded = this.#options.decodeManifest(module.pluginYaml);
    if (decoded.ok) return decoded.manifest;
    return { reason: "InvalidManifest", message: `plugin.yaml in the image: ${decoded.messages.join("; ")}` };
  }

  async #prove(candidate: ServedPlugin, signal: AbortSignal): Promise<ModuleFailure | undefined> {
    const { version, digest } = candidate;
    const rejection = this.#rejected.find((r) => r.version === version);
    if (rejection !== undefined) {
      this.#fail({ stage: "Validated", reason: "RejectedByProxy", message: rejection.message }, digest);
      return undefined;
    }
    const trial = trialOf(candidate);
    let problem = this.#refused.get(trial);
    if (problem === undefined && !this.#proven.has(trial)) {
      problem =
        (await checkConfig(candidate.config, candidate.manifest.configSchema)) ??
        (await this.#options.preflight(this.#key, candidate, signal));
      if (signal.aborted) return undefined;
      if (problem?.transient) return { stage: "Validated", reason: problem.reason, message: problem.message };
      if (problem !== undefined) remember(this.#refused, trial, problem);
    }
    if (problem !== undefined) {
      this.#fail({ stage: "Validated", ...problem }, digest);
      return undefined;
    }
    this.#proven.add(trial);
    if (this.#proven.size > MAX_PROVEN) this.#proven.delete([...this.#proven][0] ?? "");
    this.#failures = 0;
    const current = servedPlugin(this.#state);
    if (current !== undefined && current.version !== version) this.#remember(current);
    // The same version keeps its identity, so that nothing downstream sees a change.
    const kept = current?.wasm !== undefined && trialOf(current) === trial && current.url === candidate.url;
    this.#set({ kind: "ready", served: kept ? current : candidate });
    return undefined;
  }

  #remember(previous: ServedPlugin): void {
    const others = this.#previousGood.filter(({ version }) => version !== previous.version);
    this.#previousGood = [previous, ...others].slice(0, MAX_PREVIOUS);
  }

  #fail(failure: ModuleFailure, digest?: string): void {
    const lastGood = servedPlugin(this.#state);
    this.#set({
      kind: "failed",
      failure,
      ...(digest === undefined ? {} : { digest }),
      ...(lastGood === undefined ? {} : { lastGood }),
    });
  }

  #retryLater(failure: ModuleFailure): void {
    this.#failures++;
    const backOffMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#failures - 1));
    const delayMs = Math.max(backOffMs * (0.8 + 0.4 * Math.random()), 100);
    const digest = this.#state.kind === "failed" ? this.#state.digest : undefined;
    this.#fail({ ...failure, nextAttempt: new Date(Date.now() + delayMs).toISOString() }, digest);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#begin(), delayMs);
  }

  #lookAgain(): void {
    const { imagePullPolicy, sha256, url } = this.#plugin;
    if (url.startsWith("file://") || (imagePullPolicy === "Always" && sha256 === undefined))
      this.#timer = setTimeout(() => this.#begin(), this.#options.pollIntervalMs);
  }

  #set(state: ModuleState): void {
    if (state.kind === "ready" && this.#state.kind === "ready" && state.served === this.#state.served) return;
    if (state.kind === "failed" && this.#state.kind === "failed" && sameFailure(state, this.#state)) {
      this.#state = state;
      if (state.failure.nextAttempt === undefined) return;
    }
    this.#state = state;
    this.#options.onChange(new Map([[this.#key, state]]));
  }
}

/** What a proof is about: another image may ask for something else with the same module, and so may the object. */
function trialOf({ version, digest, metrics }: ServedPlugin): string {
  return `${version} ${digest} ${canonicalJson(metrics)}`;
}

/** The oldest go when there are many. */
function remember(refused: Map<string, StaticProblem>, trial: string, problem: StaticProblem): void {
  refused.set(trial, problem);
  const [oldest] = refused.keys();
  if (refused.size > MAX_REFUSED && oldest !== undefined) refused.delete(oldest);
}

function sameFailure(
  a: Extract<ModuleState, { kind: "failed" }>,
  b: Extract<ModuleState, { kind: "failed" }>,
): boolean {
  return (
    a.failure.reason === b.failure.reason &&
    a.failure.message === b.failure.message &&
    a.digest === b.digest &&
    a.lastGood === b.lastGood
  );
}
