import { Worker } from "node:worker_threads";
import type { HostErrorCode } from "./errors.js";
import type { LogEntry } from "./services.js";

/** What is tried, and with which configuration. */
export interface PreflightOptions {
  wasm: Uint8Array;
  /** As `config` of a host. */
  config?: unknown;
  /** Default "plugin". */
  name?: string;
  /** Default "". */
  rootId?: string;
  vmId?: string;
  vmConfig?: unknown;
  /** Environment variables of WASI. */
  env?: Readonly<Record<string, string>>;
  /** Host functions and callbacks that the VM may use. Default: all. */
  capabilities?: readonly string[];
  limits?: PreflightLimits;
}

/** Bounds of a pre-flight. */
export interface PreflightLimits {
  /** For everything together. Default 20,000. */
  timeMs?: number;
  /** For one call into the module. Default 2,000. */
  callMs?: number;
  /** Memory of one VM. Default 32 MiB. */
  memoryBytes?: number;
  /** Size of the module. Default 4 MiB. */
  moduleBytes?: number;
}

/**
 * `module`: Envoy would not load it. `unknown`: Node cannot compile it, Envoy perhaps can. `time`: a loop, or all
 * together took too long. `host`: the pre-flight itself broke, for example without memory.
 */
export type PreflightStage = "module" | "unknown" | "initialize" | "start" | "configure" | "stream" | "time" | "host";

/** Whether a proxy may have the module, with what it logged. */
export type PreflightResult =
  | { ok: true; logs: LogEntry[] }
  | { ok: false; stage: PreflightStage; message: string; logs: LogEntry[] };

/** What goes to the worker thread. */
export interface PreflightTask {
  options: Omit<PreflightOptions, "limits">;
  callMs: number;
  memoryBytes: number;
}

/** What comes back: log entries as they are made, then the result. */
export type PreflightMessage =
  | { log: LogEntry }
  | { failure: { code: HostErrorCode | "STREAM"; message: string } }
  | { done: true };

const DEFAULT_TIME_MS = 20_000;
const DEFAULT_CALL_MS = 2_000;
const DEFAULT_MEMORY_BYTES = 32 * 1024 * 1024;
const DEFAULT_MODULE_BYTES = 4 * 1024 * 1024;
/** Log entries that are told; what a module logs must not fill the memory of whoever asks. */
export const MAX_LOGS = 200;
/** Characters of one of them. */
export const MAX_LOG_LENGTH = 2_000;
const HEAP_MB = 128;

const STAGES: Record<HostErrorCode | "STREAM", PreflightStage> = {
  MODULE: "module",
  COMPILE: "unknown",
  INITIALIZE: "initialize",
  START: "start",
  CONFIGURE: "configure",
  STREAM: "stream",
  LOOP: "time",
  VIOLATION: "stream",
  USAGE: "host",
};

/**
 * Runs a module as Envoy would, up to and with a few requests, in a thread of its own with limits of time and memory.
 * Never rejects for what the module does.
 */
export async function preflight(options: PreflightOptions): Promise<PreflightResult> {
  const { limits = {}, ...rest } = options;
  const maxBytes = limits.moduleBytes ?? DEFAULT_MODULE_BYTES;
  const logs: LogEntry[] = [];
  const failure = (stage: PreflightStage, message: string): PreflightResult => ({ ok: false, stage, message, logs });
  if (options.wasm.length > maxBytes) {
    return failure("module", `the module has ${options.wasm.length} bytes; ${maxBytes} are allowed`);
  }
  const task: PreflightTask = {
    options: { ...rest, config: plain(options.config), vmConfig: plain(options.vmConfig) },
    callMs: limits.callMs ?? DEFAULT_CALL_MS,
    memoryBytes: limits.memoryBytes ?? DEFAULT_MEMORY_BYTES,
  };
  const worker = new Worker(new URL("./preflight-worker.js", import.meta.url), {
    workerData: task,
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  const timeMs = limits.timeMs ?? DEFAULT_TIME_MS;
  try {
    return await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(failure("time", `it took longer than ${timeMs} ms`)), timeMs);
      const settle = (result: PreflightResult): void => {
        clearTimeout(timer);
        resolve(result);
      };
      worker.on("message", (message: PreflightMessage) => {
        if ("log" in message) {
          if (logs.length < MAX_LOGS) logs.push(message.log);
        } else if ("done" in message) settle({ ok: true, logs });
        else settle(failure(STAGES[message.failure.code], message.failure.message));
      });
      worker.on("error", (error) => settle(failure("host", error.message)));
      worker.on("exit", () => settle(failure("host", "the thread of the pre-flight ended")));
    });
  } finally {
    await worker.terminate();
  }
}

/* What a thread can be sent. */
function plain(config: unknown): unknown {
  return config === undefined || typeof config === "string" || config instanceof Uint8Array
    ? config
    : JSON.stringify(config);
}
