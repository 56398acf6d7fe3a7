import {
  type PulledPlugin,
  parseReference,
  pullPlugin,
  RegistryError,
  type RegistryErrorCode,
  type RegistryWarning,
  type Verification,
  type VerificationKey,
  verifyImage,
} from "@weft/registry";
import { objectKey } from "../model/object-ref.js";
import type { Plugin } from "../model/plugin.js";
import { limitsOf } from "../model/plugin-limits.js";
import { tooLarge } from "./check-module.js";
import { createGrants } from "./grants.js";
import type { CachedModule, ModuleCache } from "./module-cache.js";
import { isModuleFile, ModuleError, readModuleFile } from "./module-file.js";
import { encodeImage, type ModuleImage, maxImageBytes, recordImage, unpackImage } from "./module-image.js";
import type { ModulePeers } from "./peers.js";
import { accessKey, type CreateClient, createClients, type RegistryAccess } from "./registry-access.js";
import type { PulledModule } from "./served-plugin.js";

/** Where modules come from. The methods throw RegistryError or ModuleError. */
export interface ModuleSource {
  /** The digest that the plugin's URL stands for now. */
  resolve(plugin: Plugin, access: RegistryAccess, signal: AbortSignal): Promise<string>;
  /**
   * The module with this digest: from the cache, else from a sister replica, if the access is one that may have it, else
   * from the registry.
   */
  pull(plugin: Plugin, digest: string, access: RegistryAccess, signal: AbortSignal): Promise<PulledModule>;
  /**
   * The module with this digest from the cache or a sister replica; undefined where neither has it. For a version that
   * was in force for the plugin: whether it may be had was asked then.
   */
  nearby(
    plugin: Plugin,
    digest: string,
    access: RegistryAccess,
    signal: AbortSignal,
  ): Promise<PulledModule | undefined>;
  /** Which of the keys signed the image with this digest. */
  verify(
    plugin: Plugin,
    digest: string,
    keys: readonly VerificationKey[],
    access: RegistryAccess,
    signal: AbortSignal,
  ): Promise<Verification>;
}

export interface ModuleSourceOptions {
  readonly createClient: CreateClient;
  readonly cache: ModuleCache;
  /** The cache could not be read or written; modules come from the registry all the same. */
  readonly onCacheProblem: (error: unknown) => void;
  /** What a registry wants people to know, when it was asked for a plugin. Default: nobody is told. */
  readonly onWarning?: (plugin: string, warning: RegistryWarning) => void;
  /** Default: there are none. */
  readonly peers?: ModulePeers;
  /** Folder below which `file://` URLs are read; absent: they are refused. */
  readonly folder?: string;
}

/** The registry says nothing of whether the image may be had. */
const AWAY: readonly RegistryErrorCode[] = ["unavailable", "timeout", "rate-limited"];

interface Place {
  readonly registry: string;
  readonly repository: string;
}

export function createModuleSource(options: ModuleSourceOptions): ModuleSource {
  const { createClient, cache, onCacheProblem, peers, folder } = options;
  const clients = createClients(createClient, options.onWarning ?? (() => {}));
  const clientOf = clients.of;
  const grants = createGrants();

  /** Whoever names a private image by its digest must be one who could pull it. */
  async function requireAccess(
    place: Place,
    cached: Pick<CachedModule, "digest" | "readers">,
    access: RegistryAccess,
    signal: AbortSignal,
  ): Promise<void> {
    const { digest, readers } = cached;
    const grant = `${accessKey(access)} ${place.registry}/${place.repository}@${digest}`;
    if (grants.has(grant)) return;
    const reader = readerName(place, access);
    try {
      await clientOf(access).resolve({ ...place, digest }, signal);
    } catch (error) {
      const isAway = error instanceof RegistryError && AWAY.includes(error.code);
      if (isAway && readers.includes(reader)) return;
      throw error;
    }
    grants.add(grant);
    if (!readers.includes(reader)) await cache.addReader(digest, reader).catch(onCacheProblem);
  }

  const fromCache = (digest: string): Promise<CachedModule | undefined> =>
    cache.get(digest).catch((error: unknown) => {
      onCacheProblem(error);
      return undefined;
    });

  const keep = async (module: PulledModule, reader: string, image: ModuleImage) => {
    await cache.put(module, reader, encodeImage(image)).catch(onCacheProblem);
    return module;
  };

  const fromPeers = (
    digest: string,
    maxModuleBytes: number,
    reader: string,
    signal: AbortSignal,
  ): Promise<PulledModule | undefined> | undefined =>
    peers?.find(
      digest,
      maxImageBytes(maxModuleBytes),
      async (image) => keep(moduleOf(await unpackImage(image, digest, { maxModuleBytes })), reader, image),
      signal,
    );

  const source: ModuleSource = {
    async resolve(plugin, access, signal) {
      if (isModuleFile(plugin)) return (await readModuleFile(plugin, folder)).digest;
      if (plugin.sha256 !== undefined) return `sha256:${plugin.sha256}`;
      return (await clientOf(access).resolve(parseReference(plugin.url), signal)).digest;
    },
    async pull(plugin, digest, access, signal) {
      if (isModuleFile(plugin)) return readModuleFile(plugin, folder);
      const { maxModuleBytes } = limitsOf(plugin);
      const { registry, repository } = parseReference(plugin.url);
      const place = { registry, repository };
      const cached = await fromCache(digest);
      if (cached !== undefined) {
        await requireAccess(place, cached, access, signal);
        const { readers: _, ...module } = cached;
        if (module.wasm.length > maxModuleBytes)
          throw new ModuleError("too-large", tooLarge(module.wasm.length, maxModuleBytes).message);
        return module;
      }
      const reader = readerName(place, access);
      if (peers !== undefined) {
        await requireAccess(place, { digest, readers: [] }, access, signal);
        const found = await fromPeers(digest, maxModuleBytes, reader, signal);
        if (found !== undefined) return found;
      }
      const recorded = recordImage(clientOf(access));
      const pulled = await pullPlugin(recorded.source, { ...place, digest }, { maxWasmBytes: maxModuleBytes }, signal);
      grants.add(`${accessKey(access)} ${registry}/${repository}@${digest}`);
      return keep(moduleOf(pulled), reader, recorded.image());
    },
    async nearby(plugin, digest, access, signal) {
      if (isModuleFile(plugin)) return undefined;
      const cached = await fromCache(digest);
      if (cached === undefined)
        return fromPeers(
          digest,
          limitsOf(plugin).maxModuleBytes,
          readerName(parseReference(plugin.url), access),
          signal,
        );
      const { readers: _, ...module } = cached;
      return module;
    },
    async verify(plugin, digest, keys, access, signal) {
      if (isModuleFile(plugin)) return { ok: false, problems: [] };
      return verifyImage(clientOf(access), parseReference(plugin.url), digest, keys, signal);
    },
  };
  const askingFor = <T>(plugin: Plugin, ask: () => Promise<T>) => clients.askingFor(objectKey(plugin), ask);
  return {
    resolve: (plugin, ...rest) => askingFor(plugin, () => source.resolve(plugin, ...rest)),
    pull: (plugin, ...rest) => askingFor(plugin, () => source.pull(plugin, ...rest)),
    nearby: (plugin, ...rest) => askingFor(plugin, () => source.nearby(plugin, ...rest)),
    verify: (plugin, ...rest) => askingFor(plugin, () => source.verify(plugin, ...rest)),
  };
}

function moduleOf({ digest, wasmSha256, wasm, pluginYaml }: PulledPlugin): PulledModule {
  return { digest, wasmSha256, wasm, ...(pluginYaml === undefined ? {} : { pluginYaml }) };
}

function readerName({ registry, repository }: Place, { identity }: RegistryAccess): string {
  return `${registry}/${repository} ${identity}`.trim();
}
