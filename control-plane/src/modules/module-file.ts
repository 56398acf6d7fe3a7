import { createHash } from "node:crypto";
import { readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import type { Plugin } from "../model/plugin.js";
import { limitsOf } from "../model/plugin-limits.js";
import { tooLarge } from "./check-module.js";
import type { PulledModule } from "./served-plugin.js";

/** A module that cannot be had for a reason of its own. */
export class ModuleError extends Error {
  override readonly name = "ModuleError";
  readonly code: "outside-folder" | "not-found" | "too-large" | "digest-mismatch";
  constructor(code: ModuleError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

export function isModuleFile({ url }: Pick<Plugin, "url">): boolean {
  return url.startsWith("file://");
}

/** The module in a file below the folder. Throws ModuleError. */
export async function readModuleFile(plugin: Plugin, folder: string | undefined): Promise<PulledModule> {
  const { maxModuleBytes } = limitsOf(plugin);
  const path = await fileBelow(folder, plugin.url);
  const { size } = await stat(path);
  if (size > maxModuleBytes)
    throw new ModuleError("too-large", `${plugin.url}: ${tooLarge(size, maxModuleBytes).message}`);
  const wasm = await readFile(path);
  const wasmSha256 = createHash("sha256").update(wasm).digest("hex");
  if (plugin.sha256 !== undefined && plugin.sha256 !== wasmSha256)
    throw new ModuleError("digest-mismatch", `${plugin.url} has sha256 ${wasmSha256}, not ${plugin.sha256}`);
  return { digest: `sha256:${wasmSha256}`, wasmSha256, wasm };
}

/** The real path of a file, which must be below the folder wherever symbolic links lead. */
async function fileBelow(folder: string | undefined, url: string): Promise<string> {
  const outside = new ModuleError("outside-folder", `${url} is not below the folder of the configuration`);
  if (folder === undefined) throw outside;
  const root = await realpath(folder);
  const named = resolve(root, url.slice("file://".length).replace(/^\/+/, ""));
  // Before the disk is looked at, so that nothing is told of what is elsewhere.
  if (!isBelow(root, named)) throw outside;
  const path = await realpath(named).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      throw new ModuleError("not-found", `${url} does not exist`);
    throw error;
  });
  if (!isBelow(root, path)) throw outside;
  if (!(await stat(path)).isFile()) throw new ModuleError("not-found", `${url} is not a file`);
  return path;
}

function isBelow(root: string, path: string): boolean {
  const inside = relative(root, path);
  return inside !== "" && inside !== ".." && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
}
