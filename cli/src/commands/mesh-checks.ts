import type { MeshReport } from "@weft/control-plane/mesh-report";
import { type Diagnostic, formatDiagnostic } from "@weft/control-plane/model/diagnostic";
import { count, plainText } from "../workbench/print.js";
import { duration } from "./duration-text.js";
import { syncSummary } from "./mesh-status-text.js";

/** One tick or cross. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do about a cross. */
  readonly fix?: string;
}

/** The oldest Envoy that has what the configuration uses. */
const OLDEST_ENVOY = [1, 40] as const;

/** `printed` is what `envoy --version` says. */
export function envoyCheck(path: string, printed: string): Check {
  const [, version = "", major, minor] = /\/((\d+)\.(\d+)\.\d+)[^/]*\//.exec(printed) ?? [];
  const ok = Number(major) > OLDEST_ENVOY[0] || (Number(major) === OLDEST_ENVOY[0] && Number(minor) >= OLDEST_ENVOY[1]);
  const wanted = OLDEST_ENVOY.join(".");
  if (ok) return { name: "Envoy", ok, detail: `${version} at ${path}` };
  const detail = version === "" ? `${path} does not say its version` : `${path} is ${version}`;
  return {
    name: "Envoy",
    ok,
    detail,
    fix: `install Envoy ${wanted} or newer (npm run setup), or set ENVOY_PATH to it`,
  };
}

export function proxiesCheck(report: MeshReport, nowMs: number): Check {
  const summary = syncSummary(report, nowMs);
  const ok = summary.endsWith(" in sync");
  return { name: "proxies", ok, detail: summary, ...(ok ? {} : { fix: "see why: weft status" }) };
}

/** Ends that come too near are crosses too: nobody looks every minute. */
export function certificatesCheck({ proxies, warnings }: MeshReport, nowMs: number): Check {
  const [worst] = warnings;
  if (worst !== undefined)
    return {
      name: "certificates",
      ok: false,
      detail: `${worst.certificate}: ${worst.message}${warnings.length > 1 ? `, and ${warnings.length - 1} more` : ""}`,
      fix: worst.hint,
    };
  const ends = proxies.flatMap(({ certificateEndsMs: end }) => end ?? []);
  const detail =
    ends.length === 0 ? "nothing ends early" : `the next one ends in ${duration(Math.min(...ends) - nowMs)}`;
  return { name: "certificates", ok: true, detail };
}

/** A plugin as its status says. */
export interface CheckedPlugin {
  readonly key: string;
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly message?: unknown }[];
}

export function pluginsCheck(plugins: readonly CheckedPlugin[]): Check {
  const wrong = plugins.flatMap(({ key, conditions }) => {
    const bad = conditions.find(({ type, status }) => status === (type === "Degraded" ? "True" : "False"));
    if (bad !== undefined) return [`${key}: ${bad.type}, ${String(bad.message ?? "")}`];
    return conditions.some(({ type, status }) => type === "Programmed" && status === "True")
      ? []
      : [`${key} is not ready`];
  });
  const [first] = wrong;
  if (first === undefined) return { name: "plugins", ok: true, detail: `${count(plugins.length, "plugin")} ready` };
  const more = wrong.length > 1 ? `, and ${wrong.length - 1} more` : "";
  return { name: "plugins", ok: false, detail: `${first}${more}`, fix: "see why: weft status plugins" };
}

export function diagnosticsCheck(diagnostics: readonly Diagnostic[]): Check {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const warnings = diagnostics.length - errors.length;
  const [first] = errors;
  const counts = `${count(errors.length, "error")}, ${count(warnings, "warning")}`;
  if (first === undefined) return { name: "objects", ok: true, detail: counts };
  return { name: "objects", ok: false, detail: `${counts}: ${formatDiagnostic(first)}`, fix: "see all: weft analyze" };
}

export function checksText(checks: readonly Check[]): string {
  return checks
    .flatMap(({ name, ok, detail, fix }) => [
      `${ok ? "✓" : "✗"} ${name.padEnd(13)} ${plainText(detail)}`,
      ...(fix === undefined ? [] : [`  Fix: ${plainText(fix)}`]),
    ])
    .join("\n");
}
