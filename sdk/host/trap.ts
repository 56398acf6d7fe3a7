import { RestrictedCallback } from "./restricted.js";
import type { LogEntry } from "./services.js";

const FRAME = /^\s*at (?:(.*?) \()?(?:wasm:\/\/[^)]*?):wasm-function\[(\d+)\]:(0x[0-9a-f]+)\)?$/;
const MAX_FRAMES = 20;

/** A trap in Envoy's words, and before the backtrace what the plugin logged in that call: SDKs log file and line. */
export function describeTrap(callback: string, error: Error, logged: readonly LogEntry[]): string {
  const lines = [`Function: ${callback} failed: Uncaught ${error.name}: ${error.message}`];
  if (error instanceof RestrictedCallback) {
    lines.push(`${error.hostFunction} cannot be called there: only logging, clocks and a few of WASI can`);
  }
  for (const { level, message } of logged) {
    if (level === "error" || level === "critical") lines.push(`the plugin logged: ${message}`);
  }
  const frames = (error.stack ?? "").split("\n").flatMap((line) => {
    const match = FRAME.exec(line);
    return match === null ? [] : [`${match[3] ?? ""} - ${match[1] ?? `unknown(function index:${match[2] ?? ""})`}`];
  });
  if (frames.length > 0) lines.push("Proxy-Wasm plugin in-VM backtrace:");
  frames.slice(0, MAX_FRAMES).forEach((frame, i) => {
    lines.push(`${String(i).padStart(3)}:  ${frame}`);
  });
  return lines.join("\n");
}
