import { RegistryError, type RegistryErrorCode } from "../error.js";
import type { Descriptor } from "../manifest.js";
import type { Reference, Repository } from "../reference.js";
import type { RegistryClient } from "../remote.js";
import { BUNDLE_TYPE, type BundleCheck, checkBundle } from "./bundle.js";
import type { VerificationKey } from "./key.js";
import { type SignatureForm, signatureLayers } from "./sign-image.js";
import { checkSimpleSigning, SIGNATURE_ANNOTATION, SIMPLE_SIGNING_TYPE, signatureTag } from "./simple-signing.js";

/** A signature that holds. */
export interface VerifiedSignature {
  readonly form: SignatureForm;
  /** Hint of the key, one of those that were given. */
  readonly key: string;
}

export type Verification =
  | { readonly ok: true; readonly signatures: readonly VerifiedSignature[] }
  /** `problems` is empty where there is no signature at all. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** Whoever can push can attach: no more than these are looked at. */
const MAX_REFERRERS = 50;
const MAX_LAYERS = 50;
const CONTENT_FAULTS: readonly RegistryErrorCode[] = ["not-found", "invalid-manifest", "digest-mismatch", "too-large"];
const MAX_SIGNATURE_BYTES = 1024 * 1024;

/**
 * Whether a manifest is signed by one of the keys, in cosign 3's form or cosign 2's. The digest must be one that was
 * verified, for example that of a pulled manifest. Without a transparency log: a key that leaked must be taken out of
 * `keys`. Throws RegistryError where the registry fails.
 */
export async function verifyImage(
  client: RegistryClient,
  repository: Repository,
  digest: string,
  keys: readonly VerificationKey[],
  signal?: AbortSignal,
): Promise<Verification> {
  const place = { registry: repository.registry, repository: repository.repository };
  const checks = [
    ...(await bundles(client, place, digest, keys, signal)),
    ...(await tagged(client, place, digest, keys, signal)),
  ];
  const signatures = checks.flatMap(({ form, check }) => (check.ok ? [{ form, key: check.key.hint }] : []));
  if (signatures.length > 0) return { ok: true, signatures };
  return { ok: false, problems: [...new Set(checks.flatMap(({ check }) => (check.ok ? [] : [check.problem])))] };
}

interface Checked {
  readonly form: SignatureForm;
  readonly check: BundleCheck;
}

async function bundles(
  client: RegistryClient,
  place: Repository,
  digest: string,
  keys: readonly VerificationKey[],
  signal: AbortSignal | undefined,
): Promise<readonly Checked[]> {
  const checked: Checked[] = [];
  const listed = await client.referrers(place, digest, signal);
  for (const entry of listed.slice(0, MAX_REFERRERS)) {
    const check = await bundleOf(client, { ...place, digest: entry.digest }, digest, keys, signal).catch(asProblem);
    if (check !== undefined) checked.push({ form: "bundle", check });
  }
  if (checked.every(({ check }) => !check.ok) && listed.length > MAX_REFERRERS)
    checked.push({
      form: "bundle",
      check: { ok: false, problem: `only ${MAX_REFERRERS} of its referrers were looked at` },
    });
  return checked;
}

/** Undefined for a referrer that is no bundle. */
async function bundleOf(
  client: RegistryClient,
  referrer: Reference,
  digest: string,
  keys: readonly VerificationKey[],
  signal: AbortSignal | undefined,
): Promise<BundleCheck | undefined> {
  // The type in the list may be wrong: the manifest knows.
  const { manifest } = await client.pullManifest(referrer, signal);
  if (manifest.kind !== "image") return undefined;
  const layer = manifest.layers.find(({ mediaType }) => mediaType === BUNDLE_TYPE);
  if (layer === undefined) return undefined;
  const bytes = await content(client, referrer, layer, signal);
  return bytes === undefined ? { ok: false, problem: "a bundle is too large" } : checkBundle(bytes, digest, keys);
}

/** One signature that is broken or gone must not hide the others; a registry that fails says nothing of any. */
function asProblem(error: unknown): BundleCheck {
  if (error instanceof RegistryError && CONTENT_FAULTS.includes(error.code))
    return { ok: false, problem: error.message };
  throw error;
}

async function tagged(
  client: RegistryClient,
  place: Repository,
  digest: string,
  keys: readonly VerificationKey[],
  signal: AbortSignal | undefined,
): Promise<readonly Checked[]> {
  const layers = await signatureLayers(client, { ...place, tag: signatureTag(digest) }, signal);
  const checked: Checked[] = [];
  for (const layer of layers.slice(0, MAX_LAYERS)) {
    const signature = layer.annotations?.[SIGNATURE_ANNOTATION];
    if (layer.mediaType !== SIMPLE_SIGNING_TYPE || signature === undefined) continue;
    const check = await content(client, place, layer, signal).then(
      (payload): BundleCheck =>
        payload === undefined
          ? { ok: false, problem: "a signature is too large" }
          : checkSimpleSigning(payload, signature, digest, keys),
      asProblem,
    );
    checked.push({ form: "tag", check });
  }
  return checked;
}

async function content(
  client: RegistryClient,
  place: Repository,
  layer: Descriptor,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  return layer.size > MAX_SIGNATURE_BYTES ? undefined : client.pullBlob(place, layer, { signal });
}
