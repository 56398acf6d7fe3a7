import { formatReference, parseReference } from "@weft/registry";
import { pushBuilt } from "../mesh/plugin-publisher.js";
import { diagnosticsData, type OutputFormat, printDiagnostics, printJson } from "../workbench/print.js";
import { openRegistries, type RegistryAccess } from "../workbench/registry-access.js";
import { buildOnce } from "./plugin-build.js";

export interface PluginPushOptions extends RegistryAccess {
  readonly output: OutputFormat;
}

/** `weft plugin push DIR REFERENCE`: builds first. Returns the exit code. */
export async function pluginPush(dir: string, text: string, options: PluginPushOptions): Promise<number> {
  const reference = parseReference(text);
  const client = await openRegistries(options, [reference]);
  const built = await buildOnce(dir);
  if (options.output === "text") printDiagnostics(built.diagnostics);
  if (!built.ok) {
    if (options.output === "json") printJson({ ok: false, diagnostics: diagnosticsData(built.diagnostics) });
    return 1;
  }
  const { digest } = await pushBuilt(client, built, text);
  const diagnostics = diagnosticsData(built.diagnostics);
  if (options.output === "json") printJson({ ok: true, reference: text, digest, diagnostics });
  else console.log(formatReference({ ...reference, digest }));
  return 0;
}
