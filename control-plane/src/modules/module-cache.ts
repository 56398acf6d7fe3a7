import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PulledModule } from "./served-plugin.js";

/** Modules on disk, by image digest. Losing it costs a pull; what is damaged is not there. */
export interface ModuleCache {
  get(digest: string): Promise<PulledModule | undefined>;
  put(module: PulledModule): Promise<void>;
}

interface Entry {
  readonly digest: string;
  readonly wasmSha256: string;
  readonly pluginYaml?: string;
}

/** A cache in a directory of its own, of at most `maxBytes`; what was used longest ago goes first. */
export function createModuleCache({ dir, maxBytes }: { dir: string; maxBytes: number }): ModuleCache {
  const pathOf = (digest: string) => join(dir, digest.replace(":", "-"));
  return {
    async get(digest) {
      const path = pathOf(digest);
      try {
        const entry: unknown = JSON.parse(await readFile(`${path}.json`, "utf8"));
        const wasm = await readFile(`${path}.wasm`);
        const found = createHash("sha256").update(wasm).digest("hex");
        if (!isEntry(entry) || entry.digest !== digest || entry.wasmSha256 !== found) return undefined;
        const now = new Date();
        await utimes(`${path}.wasm`, now, now);
        const { wasmSha256, pluginYaml } = entry;
        return { digest, wasmSha256, wasm, ...(pluginYaml === undefined ? {} : { pluginYaml }) };
      } catch (error) {
        if (isMissing(error) || error instanceof SyntaxError) return undefined;
        throw error;
      }
    },
    async put(module) {
      await mkdir(dir, { recursive: true });
      const path = pathOf(module.digest);
      const { wasm, ...entry } = module;
      await replaceFile(`${path}.wasm`, wasm);
      await replaceFile(`${path}.json`, JSON.stringify(entry satisfies Entry));
      await prune(dir, maxBytes, `${path}.wasm`);
    },
  };
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null) return false;
  return !("pluginYaml" in value) || typeof value.pluginYaml === "string";
}

async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  // Two plugins may be of one image and be pulled at the same time.
  const temporary = `${path}.${randomUUID()}.tmp`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}

async function prune(dir: string, maxBytes: number, keep: string): Promise<void> {
  const modules: { path: string; size: number; usedMs: number }[] = [];
  for (const name of await readdir(dir)) {
    if (!name.endsWith(".wasm")) continue;
    const path = join(dir, name);
    // Another plugin's pull may have made room meanwhile.
    const found = await stat(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (found !== undefined) modules.push({ path, size: found.size, usedMs: found.mtimeMs });
  }
  let total = modules.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of modules.sort((a, b) => a.usedMs - b.usedMs || (a.path < b.path ? -1 : 1))) {
    if (total <= maxBytes) return;
    if (path === keep) continue;
    await rm(path, { force: true });
    await rm(path.replace(/\.wasm$/, ".json"), { force: true });
    total -= size;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
