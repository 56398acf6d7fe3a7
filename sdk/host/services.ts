import type { Call } from "./call.js";
import type { Clock } from "./clock.js";
import type { Violation } from "./errors.js";
import type { MetricStore } from "./metrics.js";
import type { PropertyMap } from "./property-value.js";
import type { SharedData } from "./shared-data.js";
import type { SharedQueues } from "./shared-queues.js";
import type { LogLevel } from "./status.js";
import type { Vm } from "./vm.js";

/** One line of Envoy's log. */
export interface LogEntry {
  level: LogLevel;
  message: string;
  /** `main`, `canary`, `base` or `worker 0`, `worker 1`, … */
  thread: string;
  /** The plugin's name; undefined in `_initialize` and for what Envoy itself says. */
  plugin: string | undefined;
}

/** What a foreign function gives: bytes, a status other than 0, or nothing. */
export type ForeignResult = Uint8Array | number | undefined;
/** A function of the host's that plugins call by name. */
export type ForeignFunction = (argument: Uint8Array) => ForeignResult;

/** What the VMs of one host share. */
export interface Services {
  readonly clock: Clock;
  readonly sharedData: SharedData;
  readonly queues: SharedQueues;
  readonly metrics: MetricStore;
  readonly env: readonly (readonly [string, string])[];
  readonly vmConfig: Uint8Array;
  readonly vmId: string;
  readonly callMs: number;
  /** Undefined: every name is a cluster. */
  readonly clusters: ReadonlySet<string> | undefined;
  readonly capabilities: ReadonlySet<string> | undefined;
  readonly foreign: ReadonlyMap<string, ForeignFunction>;
  /** Index of the level below which nothing is logged. */
  readonly logLevel: number;
  readonly bufferLimitBytes: number;
  /** Attributes that every stream has; `xds.node` is there for roots too. */
  readonly properties: PropertyMap;
  random(size: number): Uint8Array;
  log(entry: LogEntry): void;
  violation(violation: Violation): void;
  addCall(call: Call): void;
  /** The VM that runs on this thread now; a canary's thread is the main one. */
  vmOf(thread: string): Vm | undefined;
  /** Runs later, when no guest code is on the stack. */
  post(action: () => void): void;
  /** Runs the body as one operation: then what was posted, then strict errors. */
  operate<T>(body: () => T): T;
}
