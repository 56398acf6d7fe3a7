import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type CompilePluginResult, compilePlugin } from "../build/index.js";

export interface PluginFiles {
  /** assembly/index.ts. */
  source: string;
  /** plugin.yaml. Default: a plugin named probe. */
  manifest?: string;
  /** Other files by their path. */
  files?: Record<string, string>;
  names?: boolean;
}

/** Compiles a plugin given as text, in a folder that is removed at once. */
export async function buildSource({ source, manifest, files, names }: PluginFiles): Promise<CompilePluginResult> {
  const dir = await mkdtemp(join(tmpdir(), "weft-plugin-"));
  const all = {
    "plugin.yaml": manifest ?? "name: probe\nversion: 1.0.0\n",
    "assembly/index.ts": source,
    ...files,
  };
  try {
    for (const [name, text] of Object.entries(all)) {
      await mkdir(dirname(join(dir, name)), { recursive: true });
      await writeFile(join(dir, name), text);
    }
    return await compilePlugin({ dir, ...(names === undefined ? {} : { names }) });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
