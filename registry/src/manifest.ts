import { isDigest } from "./digest.js";
import { RegistryError } from "./error.js";
import { DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, mediaTypeOf, OCI_INDEX, OCI_MANIFEST } from "./media-types.js";

/** The most that a manifest may have. Registries must take at least this much. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

export type Annotations = Readonly<Record<string, string>>;

/** https://github.com/opencontainers/image-spec/blob/main/descriptor.md */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly annotations?: Annotations;
  readonly artifactType?: string;
  /** Where the content may be fetched from; content that has them need not be in the registry. */
  readonly urls?: readonly string[];
  /** In an index: what the manifest is for, for example `linux/amd64`. */
  readonly platform?: string;
}

/** https://github.com/opencontainers/image-spec/blob/main/manifest.md, or Docker's image manifest, version 2. */
export interface ImageManifest {
  readonly kind: "image";
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  /** The manifest that this one says something about. */
  readonly subject?: Descriptor;
  readonly annotations: Annotations;
}

/** https://github.com/opencontainers/image-spec/blob/main/image-index.md, or Docker's manifest list. */
export interface ImageIndex {
  readonly kind: "index";
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations: Annotations;
}

export type Manifest = ImageManifest | ImageIndex;

type Json = Readonly<Record<string, unknown>>;

/**
 * Decodes the bytes of a manifest. `contentType` is the header that came with them, whose parameters are ignored;
 * where both are there, it must agree with the manifest's own `mediaType`.
 * Throws RegistryError `too-large` or `invalid-manifest`, which names the field.
 */
export function decodeManifest(bytes: Uint8Array, contentType?: string | null): Manifest {
  if (bytes.byteLength > MAX_MANIFEST_BYTES) {
    throw new RegistryError("too-large", `the manifest has ${bytes.byteLength} bytes, more than ${MAX_MANIFEST_BYTES}`);
  }
  const json = parseJson(bytes);
  const declared = optional(json, "mediaType", asString);
  const sent = mediaTypeOf(contentType);
  if (declared !== undefined && sent !== undefined && declared.toLowerCase() !== sent) {
    throw invalid("mediaType", `is ${JSON.stringify(declared)}, but it came with the Content-Type ${sent}`);
  }
  const mediaType = sent ?? declared;
  if (json.schemaVersion !== 2) throw invalid("schemaVersion", "is not 2");
  const shared = {
    ...defined("artifactType", optional(json, "artifactType", asString)),
    ...defined("subject", optional(json, "subject", asDescriptor)),
    annotations: optional(json, "annotations", asAnnotations) ?? {},
  };
  switch (mediaType) {
    case OCI_MANIFEST:
    case DOCKER_MANIFEST:
      return {
        kind: "image",
        mediaType,
        config: asDescriptor(json.config, "config"),
        layers: asList(json.layers, "layers").map((layer, i) => asDescriptor(layer, `layers[${i}]`)),
        ...shared,
      };
    case OCI_INDEX:
    case DOCKER_MANIFEST_LIST:
      return {
        kind: "index",
        mediaType,
        manifests: asList(json.manifests, "manifests").map((entry, i) => asDescriptor(entry, `manifests[${i}]`)),
        ...shared,
      };
    case undefined:
      throw invalid("mediaType", "is missing, and no Content-Type says what the manifest is");
    default:
      throw invalid("mediaType", `${JSON.stringify(mediaType)} is neither an image manifest nor an image index`);
  }
}

function parseJson(bytes: Uint8Array): Json {
  try {
    return asObject(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)), "manifest");
  } catch (error) {
    if (error instanceof RegistryError) throw error;
    throw new RegistryError("invalid-manifest", "the manifest is not JSON", { cause: error });
  }
}

function asDescriptor(value: unknown, field: string): Descriptor {
  const json = asObject(value, field);
  const digest = asString(json.digest, `${field}.digest`);
  if (!isDigest(digest)) throw invalid(`${field}.digest`, `${JSON.stringify(digest.slice(0, 200))} is not a digest`);
  const size = json.size;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw invalid(`${field}.size`, "is not a number of bytes");
  }
  return {
    mediaType: asString(json.mediaType, `${field}.mediaType`),
    digest,
    size,
    ...defined("annotations", optional(json, "annotations", asAnnotations, field)),
    ...defined("artifactType", optional(json, "artifactType", asString, field)),
    ...defined("urls", optional(json, "urls", asStrings, field)),
    ...defined("platform", optional(json, "platform", asPlatform, field)),
  };
}

function asPlatform(value: unknown, field: string): string {
  const json = asObject(value, field);
  const parts = ["os", "architecture", "variant"].map((name) => optional(json, name, asString, field));
  return parts.filter((part) => part !== undefined).join("/");
}

function asAnnotations(value: unknown, field: string): Annotations {
  const entries = Object.entries(asObject(value, field));
  return Object.fromEntries(entries.map(([key, text]) => [key, asString(text, `${field}[${JSON.stringify(key)}]`)]));
}

function asObject(value: unknown, field: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(field, "is not an object");
  return value as Json;
}

function asList(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(field, "is not a list");
  return value;
}

function asString(value: unknown, field: string): string {
  if (typeof value !== "string") throw invalid(field, "is not a string");
  return value;
}

function asStrings(value: unknown, field: string): readonly string[] {
  return asList(value, field).map((text, i) => asString(text, `${field}[${i}]`));
}

function optional<T>(json: Json, name: string, as: (value: unknown, field: string) => T, of?: string): T | undefined {
  const value = json[name];
  if (value === undefined || value === null) return undefined;
  return as(value, of === undefined ? name : `${of}.${name}`);
}

/** An object with the field, or without it: an absent field is not the same as an undefined one. */
function defined<K extends string, T>(name: K, value: T | undefined): { readonly [P in K]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [P in K]?: T };
}

function invalid(field: string, what: string): RegistryError {
  return new RegistryError("invalid-manifest", `the manifest cannot be used: ${field} ${what}`);
}
