import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServedPlugin } from "../model/module-state.js";
import { pluginBootstrap } from "../translate/plugin-bootstrap.js";
import type { ModuleProblem } from "./module-problem.js";

const MAX_OUTPUT_BYTES = 256 * 1024;

export interface EnvoyValidationOptions {
  readonly envoyPath: string;
  /** How long Envoy may take; a plugin that loops in `on_configure` is ended then. */
  readonly timeoutMs: number;
}

/**
 * Runs the plugin with its real configuration in a throw-away Envoy, as far as `on_configure`. Undefined when it came
 * up; else why not, with what the plugin logged.
 */
export async function validateInEnvoy(
  key: string,
  served: ServedPlugin,
  { envoyPath, timeoutMs }: EnvoyValidationOptions,
  signal?: AbortSignal,
): Promise<ModuleProblem | undefined> {
  const dir = await mkdtemp(join(tmpdir(), "weft-preflight-"));
  try {
    const file = join(dir, "envoy.json");
    await writeFile(file, JSON.stringify(pluginBootstrap(key, served)), { mode: 0o600 });
    const { outcome, output } = await runEnvoy(
      envoyPath,
      ["--mode", "validate", "-c", file, "-l", "info"],
      timeoutMs,
      signal,
    );
    if (outcome === 0) return undefined;
    if (outcome === "timeout")
      return {
        reason: "ConfigureTimeout",
        message: `the plugin did not come up within ${timeoutMs} ms; does on_configure loop?`,
        transient: true,
      };
    return { reason: "ConfigureFailed", message: explain(output) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function runEnvoy(
  path: string,
  args: readonly string[],
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<{ outcome: number | "timeout"; output: string }> {
  return new Promise((done, fail) => {
    const child = spawn(path, args, {
      stdio: ["ignore", "pipe", "pipe"],
      killSignal: "SIGKILL",
      ...(signal === undefined ? {} : { signal }),
    });
    let output = "";
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        if (output.length < MAX_OUTPUT_BYTES) output += text;
      });
    child.on("error", (error) => {
      clearTimeout(timer);
      fail(error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      // Somebody ended it, or there was no memory: that says nothing of the plugin.
      if (!timedOut && signal !== null && ["SIGINT", "SIGKILL", "SIGTERM"].includes(signal))
        fail(new Error(`Envoy was ended by ${signal} during the pre-flight`));
      else done({ outcome: timedOut ? "timeout" : (code ?? 1), output });
    });
  });
}

/** What the plugin logged and what Envoy made of it, out of Envoy's log: without times, threads and source lines. */
export function explain(output: string): string {
  const lines = output
    .split("\n")
    .map((line) => ({ own: /\[wasm\]/.test(line) || /wasm log/.test(line), text: stripPrefix(line) }))
    .filter(({ own, text }) => own || /^(Error|error|Unable|Function|Proxy-Wasm|\s+\d+:)/.test(text))
    .map(({ text }) => text.replace(/^wasm log[^:]*:\s*/, "").trim())
    // The frames of the VM are Envoy's matter; what the plugin said of itself names file and line.
    .filter((text) => text !== "" && !/^(error initializing config|initializing epoch|\d+: |.*backtrace:)/i.test(text));
  const unique = [...new Set(lines)];
  return unique.length === 0
    ? "Envoy refused the plugin without saying why"
    : unique.slice(0, 8).join("; ").slice(0, 1500);
}

function stripPrefix(line: string): string {
  return line.replace(/^(\[[^\]]*\])+\s*(\[[^\]]*\]\s*)*/, "");
}
