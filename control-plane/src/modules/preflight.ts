import type { ServedPlugin } from "../model/module-state.js";
import { checkConfig } from "./config-schema.js";
import { validateInEnvoy } from "./envoy-validation.js";
import { type Trial, tryInHost } from "./host-trial.js";

/** Runs a plugin as a proxy would. `attempt` counts from zero: what took too long has more time the next time. */
export type Preflight = (key: string, served: ServedPlugin, attempt: number, signal: AbortSignal) => Promise<Trial>;

export interface PreflightOptions {
  /** Envoy, which has the last word; absent: our own host alone. */
  readonly envoyPath?: string;
  /** How long Envoy may take. */
  readonly envoyTimeoutMs: number;
}

/** The configuration against the schema in the image, then the module in our own host, then in Envoy. */
export function createPreflight({ envoyPath, envoyTimeoutMs }: PreflightOptions): Preflight {
  return async (key, served, attempt, signal) => {
    const mismatch = await checkConfig(served.config, served.manifest.configSchema);
    if (mismatch !== undefined) return { problem: mismatch };
    if (signal.aborted) return {};
    const trial = await tryInHost(key, served, attempt);
    if (trial.problem !== undefined || envoyPath === undefined || signal.aborted) return trial;
    const problem = await validateInEnvoy(key, served, { envoyPath, timeoutMs: envoyTimeoutMs }, signal);
    return problem === undefined ? trial : { problem };
  };
}
