import { homedir } from "node:os";
import { createRegistryClient, dockerConfigPath, loadDockerConfig } from "@weft/registry";
import { pushBuilt } from "../mesh/plugin-publisher.js";
import { diagnosticsData, type OutputFormat, printDiagnostics, printJson } from "../workbench/print.js";
import { buildOnce } from "./plugin-build.js";

export interface PluginPushOptions {
  readonly plainHttp: readonly string[];
  readonly output: OutputFormat;
}

/** `weft plugin push DIR REFERENCE`: builds first. Returns the exit code. */
export async function pluginPush(
  dir: string,
  reference: string,
  { plainHttp, output }: PluginPushOptions,
): Promise<number> {
  const built = await buildOnce(dir);
  if (output === "text") printDiagnostics(built.diagnostics);
  if (!built.ok) {
    if (output === "json") printJson({ ok: false, diagnostics: diagnosticsData(built.diagnostics) });
    return 1;
  }
  const credentials = await loadDockerConfig(dockerConfigPath(process.env, homedir()));
  const { digest } = await pushBuilt(createRegistryClient({ plainHttp, credentials }), built, reference);
  if (output === "json") printJson({ ok: true, reference, digest, diagnostics: diagnosticsData(built.diagnostics) });
  else console.log(`${reference}@${digest}`);
  return 0;
}
