import type { Diagnostic } from "@weft/sdk/build";
import { createTerminal } from "../mesh/terminal.js";
import type { EnvoyLine } from "./envoy-line.js";
import { formatMetricChanges, type MetricChange } from "./metric-changes.js";
import { diagnosticsData, formatBytes, hasColors, type OutputFormat, plainText, renderDiagnostics } from "./print.js";

/** What `weft plugin run` tells while it runs. */
export type RunEvent =
  | EnvoyLine
  | {
      readonly kind: "ready";
      readonly url: string;
      readonly upstream: string;
      readonly metricsUrl: string;
      readonly envoyVersion: string;
    }
  | { readonly kind: "watching"; readonly paths: readonly string[] }
  | { readonly kind: "metrics"; readonly changes: readonly MetricChange[] }
  | { readonly kind: "swapped"; readonly wasmBytes: number; readonly tookMs: number }
  | { readonly kind: "not-built"; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: "problem"; readonly subject: string; readonly message: string };

/** Tells events: as lines for people, or as one JSON object a line. */
export function createRunPrinter(format: OutputFormat): (event: RunEvent) => void {
  if (format === "json") {
    return (event) =>
      void process.stdout.write(
        `${JSON.stringify(event.kind === "not-built" ? { ...event, diagnostics: diagnosticsData(event.diagnostics) } : event)}\n`,
      );
  }
  const terminal = createTerminal((text) => void process.stdout.write(text));
  const color = hasColors(process.stdout);
  return (event) => {
    switch (event.kind) {
      case "ready":
        terminal.step("ready", `${event.url} → plugin → ${event.upstream}`);
        terminal.step("metrics", event.metricsUrl);
        return terminal.step("envoy", event.envoyVersion);
      case "watching":
        return terminal.step("watching", `${event.paths.join(", ")}; Ctrl-C ends it`);
      case "log":
        return terminal.step(`log ${event.level}`, plainText(event.message, 4000));
      case "envoy":
        return terminal.problem(`envoy ${event.level}`, plainText(event.message, 4000));
      case "access":
        return terminal.step("request", accessText(event));
      case "metrics":
        return terminal.step("metrics", plainText(formatMetricChanges(event.changes), 1000));
      case "swapped":
        return terminal.step("swapped", `${formatBytes(event.wasmBytes)} in ${event.tookMs} ms`);
      case "not-built": {
        const frames = renderDiagnostics(event.diagnostics, color);
        return terminal.problem("build", `what runs goes on\n${frames}`);
      }
      case "problem":
        return terminal.problem(event.subject, event.message);
    }
  };
}

function accessText(access: Extract<EnvoyLine, { kind: "access" }>): string {
  const { method, path, status, durationMs, bytes, details, flags } = access;
  // Who else answered than the upstream is news: the plugin, or Envoy.
  const by = details === "via_upstream" || details === "" ? "" : ` ${plainText(details)}`;
  const marks = flags === "-" ? "" : ` ${flags}`;
  return `${method} ${plainText(path, 200)} → ${status} in ${durationMs} ms, ${formatBytes(bytes)}${by}${marks}`;
}
