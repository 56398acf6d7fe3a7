import { RegistryError } from "@weft/registry";
import type { ModuleFailure } from "../model/module-state.js";
import { ModuleError } from "./module-file.js";

/** CamelCase of an error code: `not-found` → `NotFound`. */
function reasonOf(code: string): string {
  return code
    .split("-")
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
}

const ARTIFACT_CODES: ReadonlySet<string> = new Set([
  "digest-mismatch",
  "too-large",
  "invalid-manifest",
  "invalid-artifact",
  "unsupported-artifact",
]);

/** What a failed attempt to get a module says to the user. */
export function failureOf(error: unknown): ModuleFailure {
  if (error instanceof RegistryError) {
    const hint = error.hint === undefined ? "" : `; ${error.hint}`;
    return {
      stage: ARTIFACT_CODES.has(error.code) ? "Verified" : "Resolved",
      reason: reasonOf(error.code),
      message: `${error.message}${hint}`,
    };
  }
  if (error instanceof ModuleError) return { stage: "Resolved", reason: reasonOf(error.code), message: error.message };
  // The disk, or Envoy itself: nothing is wrong with the plugin, and trying again may help.
  return { stage: "Resolved", reason: "Unavailable", message: error instanceof Error ? error.message : String(error) };
}
