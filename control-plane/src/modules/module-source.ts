import {
  type CredentialSource,
  parseReference,
  pullPlugin,
  type RegistryClient,
  RegistryError,
  type RegistryErrorCode,
  type Verification,
  type VerificationKey,
  verifyImage,
} from "@weft/registry";
import type { Plugin } from "../model/plugin.js";
import { limitsOf } from "../model/plugin-limits.js";
import { tooLarge } from "./check-module.js";
import { createGrants } from "./grants.js";
import type { CachedModule, ModuleCache } from "./module-cache.js";
import { isModuleFile, ModuleError, readModuleFile } from "./module-file.js";
import { accessKey, createClients, type RegistryAccess } from "./registry-access.js";
import type { PulledModule } from "./served-plugin.js";

/** Where modules come from. The methods throw RegistryError or ModuleError. */
export interface ModuleSource {
  /** The digest that the plugin's URL stands for now. */
  resolve(plugin: Plugin, access: RegistryAccess, signal: AbortSignal): Promise<string>;
  /** The module with this digest, from the cache if it is there and the access is one that may have it. */
  pull(plugin: Plugin, digest: string, access: RegistryAccess, signal: AbortSignal): Promise<PulledModule>;
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
  /** Makes a client; without credentials with the control plane's own. */
  readonly createClient: (credentials?: CredentialSource) => RegistryClient;
  readonly cache: ModuleCache;
  /** The cache could not be read or written; modules come from the registry all the same. */
  readonly onCacheProblem: (error: unknown) => void;
  /** Folder below which `file://` URLs are read; absent: they are refused. */
  readonly folder?: string;
}

/** The registry says nothing of whether the image may be had. */
const AWAY: readonly RegistryErrorCode[] = ["unavailable", "timeout", "rate-limited"];

export function createModuleSource({ createClient, cache, onCacheProblem, folder }: ModuleSourceOptions): ModuleSource {
  const clientOf = createClients(createClient);
  const grants = createGrants();

  /** Whoever names a private image by its digest must be one who could pull it. */
  async function requireAccess(
    place: { readonly registry: string; readonly repository: string },
    cached: CachedModule,
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

  return {
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
      const cached = await cache.get(digest).catch((error: unknown) => {
        onCacheProblem(error);
        return undefined;
      });
      if (cached !== undefined) {
        await requireAccess(place, cached, access, signal);
        const { readers: _, ...module } = cached;
        if (module.wasm.length > maxModuleBytes)
          throw new ModuleError("too-large", tooLarge(module.wasm.length, maxModuleBytes).message);
        return module;
      }
      const pulled = await pullPlugin(clientOf(access), { ...place, digest }, { maxWasmBytes: maxModuleBytes }, signal);
      const module: PulledModule = {
        digest: pulled.digest,
        wasmSha256: pulled.wasmSha256,
        wasm: pulled.wasm,
        ...(pulled.pluginYaml === undefined ? {} : { pluginYaml: pulled.pluginYaml }),
      };
      grants.add(`${accessKey(access)} ${registry}/${repository}@${digest}`);
      await cache.put(module, readerName(place, access)).catch(onCacheProblem);
      return module;
    },
    async verify(plugin, digest, keys, access, signal) {
      if (isModuleFile(plugin)) return { ok: false, problems: [] };
      return verifyImage(clientOf(access), parseReference(plugin.url), digest, keys, signal);
    },
  };
}

function readerName(
  { registry, repository }: { readonly registry: string; readonly repository: string },
  { identity }: RegistryAccess,
): string {
  return `${registry}/${repository} ${identity}`.trim();
}
