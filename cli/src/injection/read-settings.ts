import { readFileSync } from "node:fs";
import { decodeInjectionSettings, type FixedSettings } from "@weft/control-plane/injection/decode-settings";
import type { InjectionSettings } from "@weft/control-plane/injection/injection-settings";
import { formatDiagnostic } from "@weft/control-plane/model/diagnostic";
import { parse } from "yaml";
import { ManifestError } from "./manifest-error.js";

/**
 * Reads what an operator decides for all pods: `injection.yaml` of ConfigMap `weft-control-plane`.
 *
 * @throws ManifestError
 */
export function readInjectionSettings(file: string, fixed: FixedSettings): InjectionSettings {
  const decoded = decodeInjectionSettings(readYaml(file), fixed, file);
  if (decoded.ok) return decoded.settings;
  throw new ManifestError(decoded.diagnostics.map(formatDiagnostic).join("\n"));
}

function readYaml(file: string): unknown {
  const text = readText(file);
  try {
    return parse(text);
  } catch (error) {
    throw new ManifestError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** @throws ManifestError */
export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ManifestError(error instanceof Error ? error.message : String(error));
  }
}
