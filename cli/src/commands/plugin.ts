import { homedir } from "node:os";
import { resolve } from "node:path";
import { createRegistryClient, dockerConfigPath, loadDockerConfig } from "@weft/registry";
import { createPluginCompiler } from "../mesh/plugin-compiler.js";
import { buildPlugin, pushBuilt } from "../mesh/plugin-publisher.js";

/** `weft plugin build DIR`. Returns the exit code. */
export async function pluginBuild(dir: string): Promise<number> {
  const compiler = createPluginCompiler();
  try {
    const built = await buildPlugin(compiler, resolve(dir));
    if (!built.ok) {
      for (const message of built.messages) console.error(message);
      return 1;
    }
    console.log(`${built.wasmPath} (${built.wasm.length} bytes)`);
    return 0;
  } finally {
    await compiler.close();
  }
}

/** `weft plugin push DIR REFERENCE`: builds first. Returns the exit code. */
export async function pluginPush(dir: string, reference: string, plainHttp: readonly string[]): Promise<number> {
  const compiler = createPluginCompiler();
  try {
    const built = await buildPlugin(compiler, resolve(dir));
    if (!built.ok) {
      for (const message of built.messages) console.error(message);
      return 1;
    }
    const client = createRegistryClient({
      plainHttp,
      credentials: await loadDockerConfig(dockerConfigPath(process.env, homedir())),
    });
    const { digest } = await pushBuilt(client, built, reference);
    console.log(`${reference}@${digest}`);
    return 0;
  } finally {
    await compiler.close();
  }
}
