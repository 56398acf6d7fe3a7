import {
  type BlobDescriptor,
  hasBlob,
  type PullBlobOptions,
  type PushBlobOptions,
  type PushedBlob,
  pullBlob,
  pushBlob,
} from "./blob.js";
import { createConnections } from "./connections.js";
import type { CredentialSource } from "./credentials.js";
import { RegistryError } from "./error.js";
import type { Descriptor, Manifest } from "./manifest.js";
import { tryMirrors } from "./mirrors.js";
import { apiHost, isRepositoryName, isTag, type Reference, type Repository } from "./reference.js";
import { deleteReferrer, listReferrers, pushReferrer, requireSubject } from "./referrers.js";
import { deleteManifest, pullManifest, pushManifest, resolve } from "./remote-manifest.js";
import { createRetryPolicy, type RetryOptions } from "./retry.js";
import { listTags } from "./tags.js";
import { createTransport, type Transport } from "./transport.js";
import { createWarnings, type RegistryWarning } from "./warnings.js";

/** How one registry is reached. */
export interface RegistrySettings {
  /** By plain HTTP; token servers and redirects of this host too. Default: false, also on loopback. */
  readonly plainHttp?: boolean;
  /** PEM of authorities that its certificate may come from, besides those of the system. */
  readonly ca?: string;
  /** Other registries (`host[:port]`) that have the same repositories, asked first when something is pulled. */
  readonly mirrors?: readonly string[];
}

export interface RegistryClientOptions {
  /** By `host[:port]`. */
  readonly registries?: Readonly<Record<string, RegistrySettings>>;
  /** Registries (`host[:port]`) that are reached by plain HTTP, in short. */
  readonly plainHttp?: readonly string[] | ((registry: string) => boolean);
  /** Default: anonymous. */
  readonly credentials?: CredentialSource;
  readonly retry?: RetryOptions;
  /** How long a registry may be silent; transfers get more, by their size. Default: 30,000. */
  readonly timeoutMs?: number;
  /** Told what registries want people to know, each thing once. Default: nobody is told. */
  readonly onWarning?: (warning: RegistryWarning) => void;
  /** Default: one that checks addresses and knows the authorities of `registries`. */
  readonly fetch?: typeof globalThis.fetch;
}

/** What a reference stands for now. */
export interface Resolved {
  readonly digest: string;
  readonly mediaType: string;
  /** Bytes of the manifest. */
  readonly size: number;
}

export interface PulledManifest extends Resolved {
  /** As the registry has them: the digest is theirs. */
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
}

/**
 * A client of registries that speak the OCI distribution specification. Methods throw RegistryError, or the signal's
 * reason when the caller gives up.
 */
export interface RegistryClient {
  /** Whether the registry is there and lets us in. */
  ping(registry: string, signal?: AbortSignal): Promise<void>;
  /** The digest behind a reference, without its content. */
  resolve(reference: Reference, signal?: AbortSignal): Promise<Resolved>;
  pullManifest(reference: Reference, signal?: AbortSignal): Promise<PulledManifest>;
  pullBlob(repository: Repository, blob: BlobDescriptor, options?: PullBlobOptions): Promise<Uint8Array>;
  hasBlob(repository: Repository, digest: string, signal?: AbortSignal): Promise<boolean>;
  pushBlob(repository: Repository, bytes: Uint8Array, options?: PushBlobOptions): Promise<PushedBlob>;
  /** Stores a manifest under the reference's digest or tag; what it refers to must be there already. */
  pushManifest(
    reference: Reference,
    bytes: Uint8Array,
    mediaType: string,
    signal?: AbortSignal,
  ): Promise<{ readonly digest: string }>;
  /** Deletes a tag, or a manifest with all its tags. What is not there is deleted already. */
  delete(reference: Reference, signal?: AbortSignal): Promise<void>;
  /** What refers to a manifest: signatures and the like. Look into the manifests to learn what each is. */
  referrers(repository: Repository, digest: string, signal?: AbortSignal): Promise<readonly Descriptor[]>;
  /** Stores a manifest with a `subject` so that `referrers` finds it, also where a registry has no API for it. */
  pushReferrer(repository: Repository, bytes: Uint8Array, signal?: AbortSignal): Promise<{ readonly digest: string }>;
  deleteReferrer(repository: Repository, subject: string, digest: string, signal?: AbortSignal): Promise<void>;
  /** All tags of a repository, sorted. */
  tags(repository: Repository, signal?: AbortSignal): Promise<readonly string[]>;
}

export function createRegistryClient(options: RegistryClientOptions = {}): RegistryClient {
  const { plainHttp = [], registries = {}, fetch } = options;
  const settingsOf = (registry: string): RegistrySettings | undefined =>
    Object.hasOwn(registries, registry) ? registries[registry] : undefined;
  const isNamed = typeof plainHttp === "function" ? plainHttp : (host: string) => plainHttp.includes(host);
  const shared = {
    isPlainHttp: (host: string) => settingsOf(host)?.plainHttp ?? isNamed(host),
    credentials: options.credentials ?? (async () => undefined),
    fetch:
      fetch === undefined
        ? createConnections({
            caOf: (registry) => settingsOf(registry)?.ca,
            hostOf: (registry) => apiHost(registry).replace(/:\d+$/, ""),
          })
        : (url: URL, init: RequestInit) => fetch(url, init),
    timeoutMs: options.timeoutMs ?? 30_000,
    warn: createWarnings(options.onWarning ?? (() => {})),
  };
  const retry = createRetryPolicy(options.retry);
  const transport = createTransport({ ...shared, retry });
  // A mirror that is away must not hold up what the registry itself has.
  const toMirrors = createTransport({ ...shared, retry: { ...retry, maxRetries: Math.min(retry.maxRetries, 1) } });
  const pulling = <T extends Repository, R>(
    place: T,
    pull: (transport: Transport, place: T) => Promise<R>,
  ): Promise<R> =>
    tryMirrors(settingsOf(place.registry)?.mirrors ?? [], place, {
      mirror: (at) => pull(toMirrors, at),
      registry: () => pull(transport, place),
    });
  return {
    async ping(registry, signal) {
      const url = transport.url(registry, "/v2/");
      const exchange = { method: "GET", registry, url, scope: "", subject: registry, expect: [200], signal } as const;
      await transport.send(exchange, async (response) => response.body?.cancel());
    },
    resolve: async (reference, signal) => pulling(checked(reference), (via, at) => resolve(via, at, signal)),
    pullManifest: async (reference, signal) => pulling(checked(reference), (via, at) => pullManifest(via, at, signal)),
    pullBlob: async (repository, blob, pullOptions = {}) =>
      pulling(checked(repository), (via, at) => pullBlob(via, at, blob, pullOptions)),
    hasBlob: async (repository, digest, signal) => hasBlob(transport, checked(repository), digest, signal),
    pushBlob: async (repository, bytes, pushOptions) => pushBlob(transport, checked(repository), bytes, pushOptions),
    pushManifest: async (reference, bytes, mediaType, signal) => {
      return pushManifest(transport, checked(reference), bytes, mediaType, signal);
    },
    delete: async (reference, signal) => deleteManifest(transport, checked(reference), signal),
    async referrers(repository, digest, signal) {
      requireSubject(digest);
      return listReferrers(transport, checked(repository), digest, signal);
    },
    pushReferrer: async (repository, bytes, signal) => pushReferrer(transport, checked(repository), bytes, signal),
    async deleteReferrer(repository, subject, digest, signal) {
      requireSubject(subject);
      requireSubject(digest);
      await deleteReferrer(transport, checked(repository), subject, digest, signal);
    },
    tags: async (repository, signal) => listTags(transport, checked(repository), signal),
  };
}

/** A reference need not come from the parser, and becomes part of a URL. */
function checked<T extends Repository & Pick<Reference, "tag">>(reference: T): T {
  if (isRepositoryName(reference.repository) && (reference.tag === undefined || isTag(reference.tag))) return reference;
  throw new RegistryError("invalid-reference", `${JSON.stringify(reference)} is not a reference`);
}
