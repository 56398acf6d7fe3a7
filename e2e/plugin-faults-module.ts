import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { compilePlugin, formatDiagnostic } from "@weft/sdk/build";

/** Adds `<version>.<name>` to a header of the request; the same module has it once more under another root id. */
const SOURCE = `import { Action, config, HttpContext, register } from "@weft/sdk";

const VERSION = "v0000";

@config
class Config {
  name: string = "";
}

class Trail extends HttpContext<Config> {
  onRequestHeaders(endOfStream: bool): Action {
    this.request.headers.add("x-trail", VERSION + "." + this.config.name);
    return Action.Continue;
  }
}

class Mark extends HttpContext<Config> {
  onRequestHeaders(endOfStream: bool): Action {
    this.request.headers.add("x-trail", VERSION + ".mark." + this.config.name);
    return Action.Continue;
  }
}

register<Trail, Config>("trail");
register<Mark, Config>("mark");
`;
const MANIFEST = "name: trail\nversion: 1.0.0\nrootId: trail\nside: server\n";

/** Compiles it in a folder; it is version `v0000`. */
export async function buildModule(dir: string): Promise<{ readonly wasm: Uint8Array; readonly pluginYaml: string }> {
  await mkdir(join(dir, "assembly"), { recursive: true });
  await writeFile(join(dir, "assembly", "index.ts"), SOURCE);
  await writeFile(join(dir, "plugin.yaml"), MANIFEST);
  const built = await compilePlugin({ dir });
  if (!built.ok) throw new Error(built.diagnostics.map(formatDiagnostic).join("\n"));
  return built;
}

/** The module with another text in the place of its version: what a compiler would make of such a source. */
export function withVersion(wasm: Uint8Array, version: string): Uint8Array {
  const [from, to] = [Buffer.from("v0000", "utf16le"), Buffer.from(version, "utf16le")];
  const copy = Buffer.from(wasm);
  const at = copy.indexOf(from);
  if (at < 0 || copy.indexOf(from, at + 1) >= 0 || to.length !== from.length)
    throw new Error(`cannot make a module of version ${version}`);
  to.copy(copy, at);
  return new Uint8Array(copy);
}
