import { RegistryError } from "@weft/registry";
import { canonicalJson } from "../model/compare.js";
import type { ModuleFailure, ModuleState, ServedPlugin } from "../model/module-state.js";
import { servedPlugin } from "../model/module-state.js";
import type { Plugin } from "../model/plugin.js";
import { limitsOf } from "../model/plugin-limits.js";
import { BoundedMap } from "./bounded-map.js";
import { failureOf } from "./failure.js";
import { relimit } from "./limit-module.js";
import type { ModuleProblem } from "./module-problem.js";
import type { ModuleSource } from "./module-source.js";
import type { PolicyInputs } from "./policy-inputs.js";
import type { Preflight } from "./preflight.js";
import { type DecodeManifest, prepareModule, type RawModule } from "./prepare-module.js";
import { Proofs } from "./proofs.js";
import { accessOf, type RegistryAccess } from "./registry-access.js";
import { modulePolicy, verifyModule } from "./verify-module.js";

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

/** What is wanted of a plugin's module now. */
export interface Wanted {
  readonly plugin: Plugin;
  readonly inputs: PolicyInputs;
}

export interface ModuleWorkerOptions {
  readonly source: ModuleSource;
  readonly preflight: Preflight;
  readonly decodeManifest: DecodeManifest;
  /** How often a moved tag is looked for with `imagePullPolicy: Always`. */
  readonly pollIntervalMs: number;
  readonly onChange: (states: ReadonlyMap<string, ModuleState | undefined>) => void;
}

/** Something that may go well another time. */
interface Setback {
  readonly failure: ModuleFailure;
  /** Of the image, where that is known. */
  readonly digest?: string;
  /** How long the registry wants to be left alone. */
  readonly retryAfterMs?: number;
}

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 60_000;
/** Longer than that no registry keeps a plugin waiting. */
const MAX_RETRY_AFTER_MS = 600_000;
/** Versions to go back to, each with its bytes. */
const MAX_PREVIOUS = 3;
const MAX_IMAGES = 100;
const MAX_REJECTED = 20;

/** One plugin's module: resolve, verify, pull, check, prove; then look again when it may have moved. */
export class ModuleWorker {
  readonly #key: string;
  readonly #options: ModuleWorkerOptions;
  #wanted: Wanted;
  #state: ModuleState;
  #rejected: readonly RejectedVersion[];
  readonly #proofs: Proofs;
  /** Keys that signed an image, by digest and place. */
  readonly #signers = new BoundedMap<string, readonly string[]>(MAX_IMAGES);
  /** What was good before the version in force, the newest first. */
  #previousGood: readonly ServedPlugin[] = [];
  #round = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(key: string, wanted: Wanted, remembered: RememberedModule | undefined, options: ModuleWorkerOptions) {
    this.#key = key;
    this.#wanted = wanted;
    this.#options = options;
    this.#proofs = new Proofs(key, options.preflight);
    this.#rejected = remembered?.rejected ?? [];
    const lastGood = this.#isRejected(remembered?.lastGood) ? undefined : remembered?.lastGood;
    if (lastGood !== undefined) {
      this.#proofs.remember(lastGood);
      this.#signers.set(imageOf(lastGood), lastGood.verified.keys);
    }
    this.#state = {
      kind: "pending",
      message: "waiting for the registry",
      ...(lastGood === undefined ? {} : { lastGood }),
    };
  }

  get wanted(): Wanted {
    return this.#wanted;
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

  update(wanted: Wanted): void {
    this.#wanted = wanted;
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
    this.#rejected = [...this.#rejected, { version, message }].slice(-MAX_REJECTED);
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

  /**
   * The bytes of a version that is known by its status only. What has other content by now has none.
   *
   * @param isNear whether not to ask the registry
   */
  async bytesOf(served: ServedPlugin, signal: AbortSignal, isNear = false): Promise<Uint8Array | undefined> {
    const { plugin, inputs } = this.#wanted;
    // It may have been larger than what is allowed now.
    const { limits: _, ...unlimited } = plugin;
    const limits = { maxModuleBytes: Number.MAX_SAFE_INTEGER };
    const { source } = this.#options;
    const before = { ...unlimited, limits, url: served.url };
    const access = accessOf(inputs);
    const module =
      (await source.nearby(before, served.digest, access, signal)) ??
      (isNear ? undefined : await source.pull(before, served.digest, access, signal));
    return module && relimit(module.wasm, served);
  }

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
    // A registry that is slow to fail must not keep new proxies from what is at hand.
    const near = this.#fetchLastGood(signal, true).catch(() => undefined);
    let setback = await this.#work(signal).catch(setbackOf);
    await near;
    if (signal.aborted) return;
    const missing = await this.#fetchLastGood(signal).then(() => undefined, failureOf);
    if (signal.aborted) return;
    if (missing !== undefined && setback === undefined && this.#state.kind === "failed") {
      const { failure } = this.#state;
      const message = `${failure.message}; nor is there the last good version: ${missing.message}`;
      setback = { failure: { ...failure, message } };
    }
    if (setback !== undefined) this.#retryLater(setback);
  }

  /** The last good version may be known by its status only. New proxies need its bytes also where another is wanted. */
  async #fetchLastGood(signal: AbortSignal, isNear = false): Promise<void> {
    const lastGood = servedPlugin(this.#state);
    if (lastGood === undefined || lastGood.wasm !== undefined) return;
    const wasm = await this.bytesOf(lastGood, signal, isNear);
    if (signal.aborted || wasm === undefined || this.#state.kind === "ready") return;
    // By now there may be another one, or the same with its bytes.
    if (this.#state.lastGood !== lastGood) return;
    this.#state = { ...this.#state, lastGood: { ...lastGood, wasm } };
    this.#options.onChange(new Map([[this.#key, this.#state]]));
  }

  /** Returns what failed and may go well another time. */
  async #work(signal: AbortSignal): Promise<Setback | undefined> {
    const { plugin, inputs } = this.#wanted;
    if (inputs.problem !== undefined) {
      const { stage, reason, message } = inputs.problem;
      this.#fail({ stage, reason, message });
      return undefined;
    }
    const policy = modulePolicy(plugin, inputs);
    if (!policy.ok) return this.#refuse("Verified", policy.problem);
    const [misnamed] = policy.policy.reference;
    if (misnamed !== undefined && policy.policy.enforced) return this.#refuse("Verified", misnamed);

    const access = accessOf(inputs);
    const digest = await this.#resolve(plugin, access, signal);
    if (signal.aborted) return undefined;
    const image = imageOf({ url: plugin.url, digest });
    const signers = this.#signers.get(image) ?? [];
    const { source } = this.#options;
    const verified = await verifyModule(plugin, digest, policy.policy, signers, source, access, signal);
    if (signal.aborted) return undefined;
    // Who pushes signs afterwards: it is looked at again.
    if (!verified.ok) return { failure: { stage: "Verified", ...verified.problem }, digest };
    this.#signers.set(image, [...new Set([...signers, ...verified.keys])]);

    const module = this.#known(plugin, digest) ?? (await source.pull(plugin, digest, access, signal));
    if (signal.aborted) return undefined;
    const { keys, warnings } = verified;
    const prepared = prepareModule(plugin, module, { keys, warnings }, inputs, this.#options.decodeManifest);
    if (!prepared.ok) return this.#refuse(prepared.stage, prepared.problem, digest);
    const transient = await this.#prove(prepared.candidate, signal);
    if (transient !== undefined) return { failure: transient, digest };
    if (!signal.aborted) this.#lookAgain(warnings.length > 0);
    return undefined;
  }

  /** A tag is asked for once, unless the object says Always. */
  #resolve(plugin: Plugin, access: RegistryAccess, signal: AbortSignal): Promise<string> {
    const served = servedPlugin(this.#state);
    const known = plugin.imagePullPolicy === "IfNotPresent" && served?.url === plugin.url ? served.digest : undefined;
    return plugin.sha256 === undefined && known !== undefined && !plugin.url.startsWith("file://")
      ? Promise.resolve(known)
      : this.#options.source.resolve(plugin, access, signal);
  }

  /** The module that is served, where it is the one that is wanted, with the same limits. */
  #known(plugin: Plugin, digest: string): RawModule | undefined {
    const served = servedPlugin(this.#state);
    const { memoryBytes, maxModuleBytes } = limitsOf(plugin);
    if (served?.wasm === undefined || served.digest !== digest || served.url !== plugin.url) return undefined;
    if (served.memoryBytes !== memoryBytes || served.wasm.length > maxModuleBytes) return undefined;
    return { digest, wasmSha256: served.wasmSha256, wasm: served.wasm, manifest: served.manifest };
  }

  async #prove(candidate: ServedPlugin, signal: AbortSignal): Promise<ModuleFailure | undefined> {
    const { version, digest } = candidate;
    const rejection = this.#rejected.find((r) => r.version === version);
    if (rejection !== undefined) {
      this.#fail({ stage: "Validated", reason: "RejectedByProxy", message: rejection.message }, digest);
      return undefined;
    }
    const { problem, unproven } = await this.#proofs.prove(candidate, signal);
    if (signal.aborted) return undefined;
    if (problem?.transient) return { stage: "Validated", reason: problem.reason, message: problem.message };
    if (problem !== undefined) {
      this.#fail({ stage: "Validated", reason: problem.reason, message: problem.message }, digest);
      return undefined;
    }
    this.#accept(candidate, unproven);
    return undefined;
  }

  #accept(candidate: ServedPlugin, unproven: string | undefined): void {
    this.#failures = 0;
    const served = unproven === undefined ? candidate : { ...candidate, unproven };
    const current = servedPlugin(this.#state);
    if (current !== undefined && current.version !== served.version) this.#remember(current);
    // The same version keeps its identity, so that nothing downstream sees a change.
    const kept =
      current?.wasm !== undefined && canonicalJson(withoutBytes(current)) === canonicalJson(withoutBytes(served));
    this.#set({ kind: "ready", served: kept ? current : served });
  }

  #remember(previous: ServedPlugin): void {
    const others = this.#previousGood.filter(({ version }) => version !== previous.version);
    this.#previousGood = [previous, ...others].slice(0, MAX_PREVIOUS);
  }

  /** Only a change of the object, a policy or the image can help. */
  #refuse(stage: ModuleFailure["stage"], { reason, message }: ModuleProblem, digest?: string): undefined {
    this.#fail({ stage, reason, message }, digest);
    this.#lookAgain();
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

  #retryLater({ failure, digest, retryAfterMs = 0 }: Setback): void {
    this.#failures++;
    const backOffMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#failures - 1));
    const ownMs = Math.max(backOffMs * (0.8 + 0.4 * Math.random()), 100);
    const delayMs = Math.max(ownMs, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
    const known = digest ?? (this.#state.kind === "failed" ? this.#state.digest : undefined);
    this.#fail({ ...failure, nextAttempt: new Date(Date.now() + delayMs).toISOString() }, known);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#begin(), delayMs);
  }

  #lookAgain(isUnsigned = false): void {
    const { imagePullPolicy, sha256, url } = this.#wanted.plugin;
    if (isUnsigned || url.startsWith("file://") || (imagePullPolicy === "Always" && sha256 === undefined))
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

function setbackOf(error: unknown): Setback {
  const retryAfterMs = error instanceof RegistryError ? error.retryAfterMs : undefined;
  return { failure: failureOf(error), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

function imageOf({ url, digest }: Pick<ServedPlugin, "url" | "digest">): string {
  return `${url} ${digest}`;
}

function withoutBytes({ wasm: _, ...rest }: ServedPlugin): Omit<ServedPlugin, "wasm"> {
  return rest;
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
