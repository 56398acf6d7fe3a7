import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PulledModule } from "./served-plugin.js";

/** A module with those who were let have it by the registry. */
export interface CachedModule extends PulledModule {
  readonly readers: readonly string[];
}

/** Modules on disk, by image digest. Losing it costs a pull; what is damaged is not there. */
export interface ModuleCache {
  get(digest: string): Promise<CachedModule | undefined>;
  /** `image` is the encoded image that the module is in, as others who ask for it get it. */
  put(module: PulledModule, reader: string, image?: Uint8Array): Promise<void>;
  /** The encoded image that a module is in; undefined where there is none. */
  image(digest: string): Promise<Uint8Array | undefined>;
  /** Notes one more who may have it; where it is gone nothing happens. */
  addReader(digest: string, reader: string): Promise<void>;
}

interface Entry {
  readonly digest: string;
  readonly wasmSha256: string;
  readonly pluginYaml?: string;
  readonly readers: readonly string[];
  /** Of the other fields: what is in the entry decides what the module is for. */
  readonly checksum: string;
}

const MAX_READERS = 100;
/** What a process that was ended left behind; a write takes no such time. */
const STALE_MS = 60 * 60 * 1000;

/** A cache in a directory of its own, of at most `maxBytes`; what was used longest ago goes first. */
export function createModuleCache({ dir, maxBytes }: { dir: string; maxBytes: number }): ModuleCache {
  const pathOf = (digest: string) => join(dir, digest.replace(":", "-"));
  let last: Promise<unknown> = Promise.resolve();
  /** Changes take turns, so that two plugins of one image do not lose each other's readers. */
  const inTurn = <T>(change: () => Promise<T>): Promise<T> => {
    const turn = last.then(change);
    last = turn.catch(() => undefined);
    return turn;
  };
  const write = async (path: string, entry: Omit<Entry, "checksum">) =>
    replaceFile(`${path}.json`, JSON.stringify({ ...entry, checksum: checksumOf(entry) } satisfies Entry));

  const get: ModuleCache["get"] = async (digest) => {
    const path = pathOf(digest);
    try {
      const entry: unknown = JSON.parse(await readFile(`${path}.json`, "utf8"));
      const wasm = await readFile(`${path}.wasm`);
      const found = createHash("sha256").update(wasm).digest("hex");
      if (!isEntry(entry) || entry.digest !== digest || entry.wasmSha256 !== found) return undefined;
      const now = new Date();
      await utimes(`${path}.wasm`, now, now);
      const { wasmSha256, pluginYaml, readers } = entry;
      return { digest, wasmSha256, wasm, readers, ...(pluginYaml === undefined ? {} : { pluginYaml }) };
    } catch (error) {
      if (isMissing(error) || error instanceof SyntaxError) return undefined;
      throw error;
    }
  };
  return {
    get,
    async image(digest) {
      try {
        return await readFile(`${pathOf(digest)}.image`);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    put: (module, reader, image) =>
      inTurn(async () => {
        await mkdir(dir, { recursive: true, mode: 0o700 });
        const path = pathOf(module.digest);
        const { wasm, ...entry } = module;
        const before = (await get(module.digest))?.readers ?? [];
        if (image !== undefined) await replaceFile(`${path}.image`, image);
        await replaceFile(`${path}.wasm`, wasm);
        await write(path, { ...entry, readers: withReader(before, reader) });
        await prune(dir, maxBytes, `${path}.wasm`);
      }),
    addReader: (digest, reader) =>
      inTurn(async () => {
        const found = await get(digest);
        if (found === undefined || found.readers.includes(reader)) return;
        const { wasm: _, ...entry } = found;
        await write(pathOf(digest), { ...entry, readers: withReader(found.readers, reader) });
      }),
  };
}

function withReader(readers: readonly string[], reader: string): readonly string[] {
  return [...readers.filter((other) => other !== reader), reader].slice(-MAX_READERS);
}

function checksumOf({ digest, wasmSha256, pluginYaml = "", readers }: Omit<Entry, "checksum">): string {
  return createHash("sha256")
    .update(JSON.stringify([digest, wasmSha256, pluginYaml, readers]))
    .digest("hex");
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null) return false;
  const { digest, wasmSha256, pluginYaml, readers, checksum } = value as Partial<Record<keyof Entry, unknown>>;
  if (typeof digest !== "string" || typeof wasmSha256 !== "string" || typeof checksum !== "string") return false;
  if (!Array.isArray(readers) || !readers.every((reader): reader is string => typeof reader === "string")) return false;
  if (pluginYaml !== undefined && typeof pluginYaml !== "string") return false;
  const entry = { digest, wasmSha256, readers, ...(pluginYaml === undefined ? {} : { pluginYaml }) };
  return checksumOf(entry) === checksum;
}

async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  await writeFile(temporary, content, { mode: 0o600 });
  await rename(temporary, path);
}

async function prune(dir: string, maxBytes: number, keep: string): Promise<void> {
  const modules: { path: string; size: number; usedMs: number }[] = [];
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    // Another process may have made room meanwhile.
    const found = await stat(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (found === undefined) continue;
    if (name.endsWith(".tmp") && Date.now() - found.mtimeMs > STALE_MS) await rm(path, { force: true });
    else if (name.endsWith(".wasm"))
      modules.push({ path, size: found.size + (await sizeOfParts(path)), usedMs: found.mtimeMs });
    else if (name.endsWith(".image") && (await sizeOf(path.replace(/\.image$/, ".wasm"))) === 0)
      await rm(path, { force: true });
  }
  let total = modules.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of modules.sort((a, b) => a.usedMs - b.usedMs || (a.path < b.path ? -1 : 1))) {
    if (total <= maxBytes) return;
    if (path === keep) continue;
    await rm(path, { force: true });
    for (const part of partsOf(path)) await rm(part, { force: true });
    total -= size;
  }
}

/** What belongs to a module, beside its bytes. */
function partsOf(path: string): readonly string[] {
  return [".json", ".image"].map((end) => path.replace(/\.wasm$/, end));
}

async function sizeOfParts(path: string): Promise<number> {
  const sizes = await Promise.all(partsOf(path).map(sizeOf));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
