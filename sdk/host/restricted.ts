import { WASI_MODULES, WASI_NAMES } from "./signatures.js";

const both = (names: readonly string[]): string[] =>
  names.flatMap((name) => WASI_MODULES.map((module) => `${module}.${name}`));

const NOT_IN_INITIALIZE = new Set(["fd_read", "fd_seek", "fd_close", "proc_exit", "path_open", "sched_yield"]);

/** Host functions that Envoy allows in `_initialize` and `_start`. */
export const IN_INITIALIZE: ReadonlySet<string> = new Set([
  "env.proxy_log",
  "env.emscripten_notify_memory_growth",
  ...both(WASI_NAMES.filter((name) => !NOT_IN_INITIALIZE.has(name))),
]);

/** Host functions that Envoy allows in malloc. */
export const IN_MALLOC: ReadonlySet<string> = new Set([
  "env.proxy_log",
  ...both(["fd_write", "clock_time_get", "poll_oneoff"]),
]);

/** Envoy ends the guest with a trap of this name. */
export class RestrictedCallback extends Error {
  readonly hostFunction: string;

  constructor(hostFunction: string) {
    super("restricted_callback");
    this.hostFunction = hostFunction;
  }
}
