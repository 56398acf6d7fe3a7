import { digestOf } from "../digest.js";
import { RegistryError } from "../error.js";
import type { Descriptor } from "../manifest.js";
import { OCI_CONFIG, OCI_EMPTY, OCI_MANIFEST } from "../media-types.js";
import { formatReference, type Reference, type Repository } from "../reference.js";
import type { RegistryClient, Resolved } from "../remote.js";
import { rewrite } from "../rewrite.js";
import { BUNDLE_TYPE, makeBundle, SIGN_PREDICATE } from "./bundle.js";
import type { SigningKey } from "./key.js";
import { SIGNATURE_ANNOTATION, SIMPLE_SIGNING_TYPE, signatureTag, simpleSigningPayload } from "./simple-signing.js";

/** `bundle`: a referrer, as cosign 3 writes it. `tag`: the tag `sha256-….sig`, as cosign 2 does. */
export type SignatureForm = "bundle" | "tag";

export interface SignOptions {
  /** Default: `bundle`. */
  readonly form?: SignatureForm;
  /** RFC 3339, written into a bundle's annotations; default: left out, so that signing twice changes nothing. */
  readonly created?: string;
  readonly signal?: AbortSignal | undefined;
}

const EMPTY = new TextEncoder().encode("{}");

/**
 * Signs the image that a reference stands for now. The signature is of its digest, not of the tag. Returns the digest
 * that was signed. Throws RegistryError.
 */
export async function signImage(
  client: RegistryClient,
  reference: Reference,
  key: SigningKey,
  { form = "bundle", created, signal }: SignOptions = {},
): Promise<{ readonly digest: string }> {
  const image = await client.resolve(reference, signal);
  const { registry, repository } = reference;
  const place = { registry, repository };
  if (form === "bundle") await attachBundle(client, place, image, key, created, signal);
  else await tagSignature(client, place, image, key, signal);
  return { digest: image.digest };
}

async function attachBundle(
  client: RegistryClient,
  place: Repository,
  image: Resolved,
  key: SigningKey,
  created: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const bundle = makeBundle(image.digest, key);
  for (const bytes of [EMPTY, bundle]) await client.pushBlob(place, bytes, { signal });
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: BUNDLE_TYPE,
    config: describe(OCI_EMPTY, EMPTY),
    layers: [describe(BUNDLE_TYPE, bundle)],
    subject: { mediaType: image.mediaType, digest: image.digest, size: image.size },
    annotations: {
      "dev.sigstore.bundle.content": "dsse-envelope",
      "dev.sigstore.bundle.predicateType": SIGN_PREDICATE,
      ...(created === undefined ? {} : { "org.opencontainers.image.created": created }),
    },
  };
  await client.pushReferrer(place, encode(manifest), signal);
}

/** All signatures are layers of one manifest: ours is added to what is there, and looked for afterwards. */
async function tagSignature(
  client: RegistryClient,
  place: Repository,
  image: Resolved,
  key: SigningKey,
  signal: AbortSignal | undefined,
): Promise<void> {
  const payload = simpleSigningPayload(`${place.registry}/${place.repository}`, image.digest);
  const signature = Buffer.from(key.sign(payload)).toString("base64");
  const layer = { ...describe(SIMPLE_SIGNING_TYPE, payload), annotations: { [SIGNATURE_ANNOTATION]: signature } };
  const reference = { ...place, tag: signatureTag(image.digest) };
  await client.pushBlob(place, payload, { signal });
  const isSigned = await rewrite<readonly Descriptor[]>({
    what: formatReference(reference),
    read: () => signatureLayers(client, reference, signal),
    isDone: (layers) => layers.some(({ annotations }) => annotations?.[SIGNATURE_ANNOTATION] === signature),
    async write(layers) {
      const all = [...layers, layer];
      const rootfs = { type: "layers", diff_ids: all.map(({ digest }) => digest) };
      const config = encode({ architecture: "", os: "", config: {}, rootfs });
      await client.pushBlob(place, config, { signal });
      const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: describe(OCI_CONFIG, config), layers: all };
      await client.pushManifest(reference, encode(manifest), OCI_MANIFEST, signal);
    },
    signal,
  });
  if (isSigned) return;
  throw new RegistryError("unavailable", `${formatReference(reference)}: others change it all the time; try again`, {
    retryable: true,
  });
}

/** The layers of a signature tag; none where there is no such tag. */
export async function signatureLayers(
  client: RegistryClient,
  reference: Reference,
  signal: AbortSignal | undefined,
): Promise<readonly Descriptor[]> {
  try {
    const { manifest } = await client.pullManifest(reference, signal);
    return manifest.kind === "image" ? manifest.layers : [];
  } catch (error) {
    if (error instanceof RegistryError && error.code === "not-found") return [];
    throw error;
  }
}

function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
