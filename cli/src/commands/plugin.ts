import { homedir } from "node:os";
import { resolve } from "node:path";
import { createRegistryClient, dockerConfigPath, loadDockerConfig } from "@weft/registry";
import { createPluginCompiler } from "../mesh/plugin-compiler.js";
import { type Built, buildPlugin, pushBuilt } from "../mesh/plugin-publisher.js";

/** `weft plugin build [DIR]`. Returns the exit code. */
export async function pluginBuild(dir: string): Promise<number> {
  const built = await buildOrTell(dir);
  if (built === undefined) return 1;
  console.log(`${built.wasmPath} (${built.wasm.length} bytes)`);
  return 0;
}

/** `weft plugin push DIR REFERENCE`: builds first. Returns the exit code. */
export async function pluginPush(dir: string, reference: string, plainHttp: readonly string[]): Promise<number> {
  const built = await buildOrTell(dir);
  if (built === undefined) return 1;
  const credentials = await loadDockerConfig(dockerConfigPath(process.env, homedir()));
  const { digest } = await pushBuilt(createRegistryClient({ plainHttp, credentials }), built, reference);
  console.log(`${reference}@${digest}`);
  return 0;
}

/** The built plugin; undefined, with the compiler's messages printed, when it does not compile. */
async function buildOrTell(dir: string): Promise<Extract<Built, { ok: true }> | undefined> {
  const compiler = createPluginCompiler();
  try {
    const built = await buildPlugin(compiler, resolve(dir));
    if (built.ok) return built;
    for (const message of built.messages) console.error(message);
    return undefined;
  } finally {
    await compiler.close();
  }
}
