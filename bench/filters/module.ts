import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { CACHE } from "../measure/repository.js";
import type { Missing } from "../measure/tools.js";

/** A compiled filter. */
export interface Module {
  path: string;
  bytes: number;
  /** Of what it was made, with versions. */
  madeWith: string;
}

/** Somebody's filter that does the same work. */
export interface Rival {
  /** What of the tools is not on this machine. */
  missing(): Promise<Missing[]>;
  build(): Promise<Module>;
}

export interface BuildOptions {
  name: string;
  madeWith: string;
  /** The folder with the sources. */
  sources: string;
  /** Makes the module in a folder that is empty at first, and returns its path. */
  compile: (scratch: string) => Promise<string>;
}

/** What is in the cache for these sources and tools, else what `compile` makes. */
export async function buildOnce({ name, madeWith, sources, compile }: BuildOptions): Promise<Module> {
  const path = join(CACHE, `${name}-${await hashOf(sources, madeWith)}.wasm`);
  if (!existsSync(path)) {
    await mkdir(CACHE, { recursive: true });
    const scratch = await mkdtemp(join(CACHE, `${name}-build-`));
    try {
      await rename(await compile(scratch), path);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  return { path, bytes: (await stat(path)).size, madeWith };
}

async function hashOf(dir: string, salt: string): Promise<string> {
  const hash = createHash("sha256").update(salt);
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort())
    hash
      .update(file.slice(dir.length))
      .update("\0")
      .update(await readFile(file));
  return hash.digest("hex").slice(0, 16);
}
