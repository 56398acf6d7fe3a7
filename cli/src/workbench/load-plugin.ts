import type { Diagnostic } from "@weft/sdk/build";
import { preflight } from "@weft/sdk/host";
import type { PluginCompiler } from "../mesh/plugin-compiler.js";
import { buildPlugin } from "../mesh/plugin-publisher.js";
import type { LoadedPlugin } from "./plugin-bootstrap.js";

/** `notes`: what the pre-flight found that does not keep Envoy from loading it. */
export type LoadResult =
  | {
      readonly ok: true;
      readonly loaded: LoadedPlugin;
      readonly diagnostics: readonly Diagnostic[];
      readonly notes: readonly string[];
    }
  | { readonly ok: false; readonly kind: "not-built"; readonly diagnostics: readonly Diagnostic[] }
  | { readonly ok: false; readonly kind: "refused"; readonly message: string };

/** Far above what a plugin needs: a machine that is busy must not make one look as if it went round for ever. */
const LIMITS = { timeMs: 60_000, callMs: 10_000 };

/** A trap in a request is worth seeing in Envoy, with its backtrace; a loop would hang it for good. */
const CAN_RUN: readonly string[] = ["stream", "unknown", "host"];

/** Compiles the plugin and tests, in a thread with limits, that it loads with the configuration. */
export async function loadPlugin(compiler: PluginCompiler, dir: string, config: string): Promise<LoadResult> {
  const built = await buildPlugin(compiler, dir);
  const { diagnostics } = built;
  if (!built.ok) return { ok: false, kind: "not-built", diagnostics };
  const { name, rootId, wasm } = built;
  const loaded: LoadedPlugin = { name, rootId, wasm, config };
  const tested = await preflight({ wasm, name, rootId, config, limits: LIMITS });
  if (tested.ok) return { ok: true, loaded, diagnostics, notes: [] };
  const logged = tested.logs
    .filter(({ level, message }) => (level === "error" || level === "critical") && !tested.message.includes(message))
    .map(({ message }) => `it logged: ${message}`)
    .slice(-5);
  const message = [`${STAGES[tested.stage] ?? tested.stage}: ${tested.message}`, ...logged].join("\n");
  if (CAN_RUN.includes(tested.stage)) return { ok: true, loaded, diagnostics, notes: [message] };
  return { ok: false, kind: "refused", message };
}

const STAGES: Readonly<Record<string, string>> = {
  module: "Envoy would not load the module",
  initialize: "the module's top-level code fails",
  start: "the plugin refuses to start (onVmStart)",
  configure: "the plugin refuses its configuration",
  stream: "a test request made it fail",
  time: "it runs too long",
  unknown: "Node cannot test the module",
  host: "the test did not work",
};
