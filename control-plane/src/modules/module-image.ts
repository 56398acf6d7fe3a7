import {
  decodeManifest,
  digestOf,
  hasDigest,
  type PulledPlugin,
  parseDigest,
  pullPlugin,
  type RegistryClient,
  RegistryError,
} from "@weft/registry";

/** What {@link pullPlugin} needs of a registry. */
export type ImageSource = Pick<RegistryClient, "pullManifest" | "pullBlob">;

/**
 * The parts of a plugin's image as a registry gave them: the media type of the manifest, the manifest, then the blobs
 * that were read. With them anybody can prove, by digest alone, that the module in it is the one that a digest names.
 */
export type ModuleImage = readonly Uint8Array[];

/** No image of a plugin has more parts. */
const MAX_PARTS = 8;
const LENGTH_BYTES = 4;
/** Of everything beside the module: the media type, the manifest, plugin.yaml, what else is in the archive. */
const MAX_OTHER_BYTES = 8 * 1024 * 1024;

/** The most bytes of an image whose module may have so many. */
export function maxImageBytes(maxModuleBytes: number): number {
  return Math.min(maxModuleBytes, Number.MAX_SAFE_INTEGER - MAX_OTHER_BYTES) + MAX_OTHER_BYTES;
}

/** Pulls through a source and keeps what came of it. */
export function recordImage(source: ImageSource): { readonly source: ImageSource; readonly image: () => ModuleImage } {
  let head: ModuleImage = [];
  const blobs: Uint8Array[] = [];
  return {
    source: {
      async pullManifest(reference, signal) {
        const pulled = await source.pullManifest(reference, signal);
        head = [Buffer.from(pulled.mediaType), pulled.bytes];
        return pulled;
      },
      async pullBlob(repository, blob, options) {
        const bytes = await source.pullBlob(repository, blob, options);
        blobs.push(bytes);
        return bytes;
      },
    },
    image: () => [...head, ...blobs],
  };
}

/**
 * Takes the plugin out of an image that came from anywhere.
 *
 * @throws RegistryError `digest-mismatch` where a part is not what the digest, or the manifest, names
 */
export function unpackImage(
  image: ModuleImage,
  digest: string,
  { maxModuleBytes }: { readonly maxModuleBytes: number },
): Promise<PulledPlugin> {
  const [mediaType = new Uint8Array(), manifestBytes = new Uint8Array(), ...blobs] = image;
  const source: ImageSource = {
    async pullManifest() {
      const found = digestOf(manifestBytes, parseDigest(digest)?.algorithm);
      if (found !== digest) throw new RegistryError("digest-mismatch", `the manifest has the digest ${found}`);
      const manifest = decodeManifest(manifestBytes, Buffer.from(mediaType).toString());
      return { digest, mediaType: manifest.mediaType, size: manifestBytes.length, bytes: manifestBytes, manifest };
    },
    async pullBlob(_repository, blob, { maxBytes = blob.size } = {}) {
      if (blob.size > maxBytes) throw new RegistryError("too-large", `a layer has more than ${maxBytes} bytes`);
      const bytes = blobs.find((part) => part.length === blob.size && hasDigest(part, blob.digest));
      if (bytes === undefined) throw new RegistryError("digest-mismatch", `no part has the digest ${blob.digest}`);
      return bytes;
    },
  };
  const reference = { registry: "image", repository: "module", digest };
  return pullPlugin(source, reference, { maxWasmBytes: maxModuleBytes });
}

/** The image as one text of bytes: each part after its length. */
export function encodeImage(image: ModuleImage): Uint8Array {
  return Buffer.concat(
    image.flatMap((part) => {
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  );
}

/** Undefined for what is no image. Its parts are not looked at. */
export function decodeImage(bytes: Uint8Array): ModuleImage | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at < view.length) {
    if (parts.length === MAX_PARTS || at + LENGTH_BYTES > view.length) return undefined;
    const from = at + LENGTH_BYTES;
    const to = from + view.readUInt32BE(at);
    if (to > view.length) return undefined;
    parts.push(view.subarray(from, to));
    at = to;
  }
  return parts.length < 2 ? undefined : parts;
}
