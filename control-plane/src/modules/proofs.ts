import { canonicalJson } from "../model/compare.js";
import type { ServedPlugin } from "../model/module-state.js";
import { BoundedMap } from "./bounded-map.js";
import type { Trial } from "./host-trial.js";
import type { ModuleProblem } from "./module-problem.js";
import type { Preflight } from "./preflight.js";

/** Versions of one plugin that are known by heart. */
const MAX_VERSIONS = 100;

/** The proofs of one plugin's versions: what passed or was refused once is not tried again. */
export class Proofs {
  readonly #key: string;
  readonly #preflight: Preflight;
  readonly #refused = new BoundedMap<string, ModuleProblem>(MAX_VERSIONS);
  /** With why one could not be proven. */
  readonly #proven = new BoundedMap<string, string | undefined>(MAX_VERSIONS);
  /** How often a version took too long. */
  readonly #attempts = new BoundedMap<string, number>(MAX_VERSIONS);

  constructor(key: string, preflight: Preflight) {
    this.#key = key;
    this.#preflight = preflight;
  }

  /** A version that passed in an earlier run. */
  remember(served: ServedPlugin): void {
    this.#proven.set(trialOf(served), served.unproven);
  }

  /** What follows from an aborted signal means nothing. */
  async prove(candidate: ServedPlugin, signal: AbortSignal): Promise<Trial> {
    const trial = trialOf(candidate);
    const refused = this.#refused.get(trial);
    if (refused !== undefined) return { problem: refused };
    if (this.#proven.has(trial)) return found(this.#proven.get(trial));
    const attempt = this.#attempts.get(trial) ?? 0;
    const result = await this.#preflight(this.#key, candidate, attempt, signal);
    if (signal.aborted) return result;
    const { problem, unproven } = result;
    if (problem?.transient) this.#attempts.set(trial, attempt + 1);
    else if (problem !== undefined) this.#refused.set(trial, problem);
    else this.#proven.set(trial, unproven);
    return result;
  }
}

function found(unproven: string | undefined): Trial {
  return unproven === undefined ? {} : { unproven };
}

/** What a proof is about: another image may ask for something else with the same module, and so may the object. */
function trialOf({ version, digest, metrics }: ServedPlugin): string {
  return `${version} ${digest} ${canonicalJson(metrics)}`;
}
