import { HostError } from "./errors.js";

/** What Envoy does with traffic while a VM has trapped: closed for good, closed until a new VM runs, or open. */
export type FailurePolicy = "FAIL_CLOSED" | "FAIL_RELOAD" | "FAIL_OPEN";

/** One plugin configuration; each has a root context of its own in every VM. */
export interface PluginOptions {
  /** Default "plugin"; plugins of one host need different names. */
  name?: string;
  /** Default "". */
  rootId?: string;
  /** Text or bytes as they are; anything else as JSON. Default: empty. */
  config?: unknown;
  /** Default "FAIL_RELOAD", as Weft configures it. Envoy's own default is FAIL_CLOSED. */
  failurePolicy?: FailurePolicy;
  /** Shortest time between two loads of the VM, the first one included. Default 1000. */
  reloadIntervalMs?: number;
  /** Off, StopIteration from a headers callback stops the body too. Default true, as Weft configures it. */
  allowOnHeadersStopIteration?: boolean;
}

export interface Plugin {
  name: string;
  rootId: string;
  vmId: string;
  config: Uint8Array;
  failurePolicy: FailurePolicy;
  reloadIntervalMs: number;
  allowStop: boolean;
}

/* Envoy 1.40 divides by half of the interval, as an integer. */
const SHORTEST_RELOAD_MS = 2;

export function createPlugin(options: PluginOptions, vmId: string): Plugin {
  const { reloadIntervalMs = 1000 } = options;
  if (reloadIntervalMs < SHORTEST_RELOAD_MS) {
    const message = `reloadIntervalMs is ${reloadIntervalMs}; below ${SHORTEST_RELOAD_MS} Envoy 1.40 crashes at the first reload`;
    throw new HostError("USAGE", message);
  }
  return {
    name: options.name ?? "plugin",
    rootId: options.rootId ?? "",
    vmId,
    config: configurationBytes(options.config),
    failurePolicy: options.failurePolicy ?? "FAIL_RELOAD",
    reloadIntervalMs,
    allowStop: options.allowOnHeadersStopIteration ?? true,
  };
}

export function configurationBytes(config: unknown): Uint8Array {
  if (config === undefined) return new Uint8Array();
  if (config instanceof Uint8Array) return config;
  return Buffer.from(typeof config === "string" ? config : JSON.stringify(config));
}
