import type { Logger } from "./log.js";
import type { Diagnostic } from "./model/diagnostic.js";
import type { ModuleState } from "./model/module-state.js";
import { diagnosticChanges } from "./status/diagnostic-changes.js";
import type { Propagated } from "./status/propagation.js";

/** Tells people what happens, each thing once. The `kind` of an event is for `weft up`, which shows some of them. */
export interface Journal {
  /** All that is wrong now. */
  diagnostics(now: readonly Diagnostic[]): void;
  /**
   * A module's new state; the attempts between a failure and its end are in the status only. `placeOf` says where a
   * field of its WasmPlugin stands, as `file:line: `, or nothing.
   */
  module(key: string, state: ModuleState | undefined, placeOf: (field: string) => string): void;
  /** What a registry wants people to know; the plugin is the one that it was asked for. */
  registryWarning(plugin: string, warning: { readonly registry: string; readonly text: string }): void;
  propagated(done: readonly Propagated[]): void;
}

/** Registries that always say something else must not fill the memory. */
const MAX_WARNINGS = 1000;

export function createJournal(logger: Logger): Journal {
  let known: ReadonlyMap<string, Diagnostic> = new Map();
  const failures = new Map<string, string>();
  const warnings = new Set<string>();
  return {
    diagnostics(now) {
      const changes = diagnosticChanges(known, now);
      for (const { text, severity } of changes.appeared)
        (severity === "error" ? logger.error : logger.warn)(text, { kind: "diagnostic" });
      for (const text of changes.solved) logger.info(`solved: ${text}`, { kind: "diagnostic" });
      known = changes.known;
    },
    module(key, state, placeOf) {
      if (state?.kind === "pending") return;
      const before = failures.get(key);
      if (state?.kind !== "failed") {
        if (before !== undefined)
          logger.info(`WasmPlugin ${key}: solved (${before.slice(0, 80)})`, { kind: "diagnostic" });
        failures.delete(key);
        return;
      }
      const { message, reason, nextAttempt } = state.failure;
      const text = `${message} (${reason})`;
      if (text === before) return;
      failures.set(key, text);
      const serving = state.lastGood === undefined ? "" : "; the last good version stays in force";
      const again = nextAttempt === undefined ? "" : "; trying again";
      // The configuration is the object's own; all else is the fault of what the URL names.
      const field = reason === "InvalidConfig" ? "spec.pluginConfig" : "spec.url";
      logger.error(`${placeOf(field)}WasmPlugin ${key} ${field}: ${text}${serving}${again}`, { kind: "diagnostic" });
    },
    registryWarning(plugin, { registry, text }) {
      const line = `WasmPlugin ${plugin}: registry ${registry} says: ${text}`;
      if (warnings.has(line) || warnings.size >= MAX_WARNINGS) return;
      warnings.add(line);
      logger.warn(line, { kind: "diagnostic" });
    },
    propagated(done) {
      for (const { cause, proxies, rejected, tookMs } of done)
        logger.info(cause, { kind: "applied", proxies, rejected, tookMs });
    },
  };
}
