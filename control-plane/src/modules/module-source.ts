import { createHash } from "node:crypto";
import { readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { parseReference, pullPlugin, type RegistryClient } from "@weft/registry";
import type { Plugin } from "../model/plugin.js";
import type { ModuleCache } from "./module-cache.js";
import type { PulledModule } from "./served-plugin.js";

/** Where modules come from. Both methods throw RegistryError or ModuleError. */
export interface ModuleSource {
  /** The digest that the plugin's URL stands for now. */
  resolve(plugin: Plugin, signal: AbortSignal): Promise<string>;
  /** The module with this digest, from the cache if it is there. */
  pull(plugin: Plugin, digest: string, signal: AbortSignal): Promise<PulledModule>;
}

/** A module that cannot be had for a reason of its own. */
export class ModuleError extends Error {
  override readonly name = "ModuleError";
  readonly code: "outside-folder" | "not-found" | "too-large" | "digest-mismatch";
  constructor(code: ModuleError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

export interface ModuleSourceOptions {
  readonly client: RegistryClient;
  readonly cache: ModuleCache;
  /** The cache could not be read or written; modules come from the registry all the same. */
  readonly onCacheProblem: (error: unknown) => void;
  /** Folder below which `file://` URLs are read; absent: they are refused. */
  readonly folder?: string;
  readonly maxModuleBytes: number;
}

export function createModuleSource({
  client,
  cache,
  onCacheProblem,
  folder,
  maxModuleBytes,
}: ModuleSourceOptions): ModuleSource {
  const isFile = (plugin: Plugin) => plugin.url.startsWith("file://");
  return {
    async resolve(plugin, signal) {
      if (isFile(plugin)) return (await readModuleFile(plugin, folder, maxModuleBytes)).digest;
      if (plugin.sha256 !== undefined) return `sha256:${plugin.sha256}`;
      return (await client.resolve(parseReference(plugin.url), signal)).digest;
    },
    async pull(plugin, digest, signal) {
      if (isFile(plugin)) return readModuleFile(plugin, folder, maxModuleBytes);
      const cached = await cache.get(digest).catch((error: unknown) => {
        onCacheProblem(error);
        return undefined;
      });
      if (cached !== undefined) return cached;
      const { registry, repository } = parseReference(plugin.url);
      const pulled = await pullPlugin(
        client,
        { registry, repository, digest },
        { maxWasmBytes: maxModuleBytes },
        signal,
      );
      const module: PulledModule = {
        digest: pulled.digest,
        wasmSha256: pulled.wasmSha256,
        wasm: pulled.wasm,
        ...(pulled.pluginYaml === undefined ? {} : { pluginYaml: pulled.pluginYaml }),
      };
      await cache.put(module).catch(onCacheProblem);
      return module;
    },
  };
}

async function readModuleFile(plugin: Plugin, folder: string | undefined, maxBytes: number): Promise<PulledModule> {
  const path = await fileBelow(folder, plugin.url);
  const { size } = await stat(path);
  if (size > maxBytes)
    throw new ModuleError("too-large", `${plugin.url} has ${size} bytes, more than the limit of ${maxBytes}`);
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
