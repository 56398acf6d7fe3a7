import type { ModuleProblem } from "@weft/sdk/build";
import { preflight } from "@weft/sdk/host";
import { readConfigFile } from "../workbench/config-file.js";
import { type InspectedPlugin, readInspectedPlugin } from "../workbench/inspected-plugin.js";
import { type Inspection, inspectPlugin } from "../workbench/inspection.js";
import { inspectionText } from "../workbench/inspection-text.js";
import { type OutputFormat, printJson } from "../workbench/print.js";
import type { RegistryAccess } from "../workbench/registry-access.js";

export interface PluginInspectOptions extends RegistryAccess {
  readonly output: OutputFormat;
  /** Runs the pre-flight with the configuration in this file. */
  readonly config?: string;
}

/** `weft plugin inspect FILE|DIR|REFERENCE`. Returns the exit code: 1 where the plugin cannot be used. */
export async function pluginInspect(target: string, options: PluginInspectOptions): Promise<number> {
  const { output, config } = options;
  const plugin = await readInspectedPlugin(target, options);
  const known = inspectPlugin(plugin);
  const inspection = config === undefined || !known.ok ? known : await tryOut(plugin, known, config);
  if (output === "json") printJson(inspection);
  else console.log(inspectionText(inspection));
  return inspection.ok ? 0 : 1;
}

/* Loads the module and plays a few requests, in a thread with limits. */
async function tryOut({ wasm }: InspectedPlugin, known: Inspection, configFile: string): Promise<Inspection> {
  const { name = "plugin", rootId = "" } = known.manifest ?? {};
  const result = await preflight({ wasm, name, rootId, config: await readConfigFile(configFile) });
  if (result.ok) return known;
  const severity: ModuleProblem["severity"] = result.stage === "unknown" ? "warning" : "error";
  const logged = result.logs
    .filter(({ message }) => !result.message.includes(message))
    .map(({ level, message }) => `; it logged ${level}: ${message}`)
    .slice(-3);
  const problem = { severity, message: `pre-flight, ${result.stage}: ${result.message}${logged.join("")}` };
  return { ...known, ok: known.ok && severity === "warning", problems: [problem, ...known.problems] };
}
