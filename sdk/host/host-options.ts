import type { ViolationKind } from "./errors.js";
import type { MetricStore } from "./metrics.js";
import type { PluginOptions } from "./plugin.js";
import type { PropertyMap } from "./property-value.js";
import type { ForeignFunction, LogEntry } from "./services.js";
import type { SharedData } from "./shared-data.js";
import type { SharedQueues } from "./shared-queues.js";
import type { LogLevel } from "./status.js";

/** What a host is made with. */
export interface HostOptions extends PluginOptions {
  /** Several configurations in one VM, instead of the one that `config`, `name`, `rootId` and so on describe. */
  plugins?: readonly PluginOptions[];
  /** Shared data and queues are known by it. Default "". */
  vmId?: string;
  /** Text or bytes as they are; anything else as JSON. Default: empty. */
  vmConfig?: unknown;
  /** Environment variables of WASI. */
  env?: Readonly<Record<string, string>>;
  /** Simulated worker threads. Default 1. */
  workers?: number;
  /** Violations throw. False: they are only recorded. A list: only these kinds throw. Default true. */
  strict?: boolean | readonly ViolationKind[];
  /** Clusters that calls may name. Default: every name is one. */
  clusters?: readonly string[];
  /** Host functions and callbacks that the VM may use. Default: all. */
  capabilities?: readonly string[];
  /** Foreign functions; they go before those that the host has itself. */
  foreign?: Readonly<Record<string, ForeignFunction>>;
  /** Attributes of every stream. */
  properties?: PropertyMap;
  /** What Envoy's wasm logger lets through. Default "trace". */
  logLevel?: LogLevel;
  /** The wall clock at the start. Default 2025-01-01T00:00:00Z. */
  now?: Date;
  /** Random bytes. Default: those of node:crypto. */
  random?: (size: number) => Uint8Array;
  /** Sees every log entry when it is made, also those of a module that does not load. */
  onLog?: (entry: LogEntry) => void;
  limits?: HostLimits;
  /** Shared data, queues and metrics of another host: the same process. */
  process?: SharedState;
}

/** What all VMs of a process share. */
export interface SharedState {
  readonly sharedData: SharedData;
  readonly queues: SharedQueues;
  readonly metrics: MetricStore;
}

/** Bounds of the host. */
export interface HostLimits {
  /** Longest time of one call into the guest, in real milliseconds. Default 10,000. */
  callMs?: number;
  /** Most memory of one VM; a guest that wants more gets none. Default: the module's own maximum. */
  memoryBytes?: number;
  /** What one direction of a stream may buffer. Default 1 MiB, Envoy's own. */
  bufferBytes?: number;
  /** Most log entries kept. Default 100,000. */
  logEntries?: number;
}

/** Which of several plugins and workers is meant. */
export interface Target {
  /** Name of the plugin. Default: the first. */
  plugin?: string;
  /** Number of the worker. Default 0. */
  worker?: number;
}
