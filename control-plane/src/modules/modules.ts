import { canonicalJson } from "../model/compare.js";
import type { ModuleState, ServedPlugin } from "../model/module-state.js";
import { limited } from "./limited.js";
import {
  ModuleWorker,
  type ModuleWorkerOptions,
  type RejectedVersion,
  type RememberedModule,
  type Wanted,
} from "./module-worker.js";
import { type ModulesInput, policyInputs } from "./policy-inputs.js";
import type { Preflight } from "./preflight.js";

/** Gets, verifies, proves and keeps the modules of plugins. Nothing here is on the path of a push. */
export interface Modules {
  /**
   * Takes the plugins, policies and Secrets that there are now. Plugins that are new, or for which something changed, are
   * worked on, gone ones forgotten.
   */
  reconcile(input: ModulesInput): void;
  /** A proxy refused this version: it is taken back everywhere, and the last good one served. */
  reject(key: string, version: string, message: string): void;
  rejected(key: string): readonly RejectedVersion[];
  /** The bytes of a version of a plugin that is known by its status only; undefined when they are not to be had. */
  bytesOf(key: string, served: ServedPlugin, signal: AbortSignal): Promise<Uint8Array | undefined>;
  close(): void;
}

export interface ModulesOptions extends ModuleWorkerOptions {
  /** Where the MeshConfig is that holds. */
  readonly rootNamespace: string;
  /** What the last run knew, by plugin key. */
  readonly remembered: ReadonlyMap<string, RememberedModule>;
}

const MAX_PREFLIGHTS = 2;

export function createModules(given: ModulesOptions): Modules {
  // Each is an Envoy of its own; a mesh that starts has many plugins to prove at once.
  const preflight: Preflight = async (key, served, attempt, signal) =>
    signal.aborted ? {} : given.preflight(key, served, attempt, signal);
  const options = { ...given, preflight: limited(MAX_PREFLIGHTS, preflight) };
  const workers = new Map<string, ModuleWorker>();
  const remembered = new Map(options.remembered);
  let last: ModulesInput | undefined;
  return {
    reconcile(input) {
      const changes = new Map<string, ModuleState | undefined>();
      const started: ModuleWorker[] = [];
      for (const [key, worker] of workers)
        if (!input.plugins.has(key)) {
          worker.stop();
          workers.delete(key);
          changes.set(key, undefined);
        }
      const samePolicies = last?.meshConfigs === input.meshConfigs && last.secrets === input.secrets;
      last = input;
      for (const [key, plugin] of input.plugins) {
        const worker = workers.get(key);
        if (worker?.wanted.plugin === plugin && samePolicies) continue;
        const wanted: Wanted = { plugin, inputs: policyInputs(plugin, input, given.rootNamespace) };
        if (worker !== undefined) {
          if (differ(worker.wanted, wanted)) worker.update(wanted);
          continue;
        }
        const created = new ModuleWorker(key, wanted, remembered.get(key), options);
        workers.set(key, created);
        changes.set(key, created.state);
        started.push(created);
      }
      // What is remembered is of the plugins that there were; one that comes later under an old name is another.
      remembered.clear();
      if (changes.size > 0) options.onChange(changes);
      // Afterwards: what they tell, perhaps at once, is newer.
      for (const worker of started) worker.start();
    },
    reject(key, version, message) {
      workers.get(key)?.reject(version, message);
    },
    rejected(key) {
      return workers.get(key)?.rejected ?? [];
    },
    bytesOf: async (key, served, signal) => workers.get(key)?.bytesOf(served, signal),
    close() {
      for (const worker of workers.values()) worker.stop();
    },
  };
}

function differ(a: Wanted, b: Wanted): boolean {
  return a.plugin !== b.plugin || canonicalJson(a.inputs) !== canonicalJson(b.inputs);
}
