import type { BundleCheck } from "./bundle.js";
import type { VerificationKey } from "./key.js";

/** https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md */
export const SIMPLE_SIGNING_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";
export const SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature";
const TYPE = "cosign container image signature";

/** The tag of the signatures of a manifest, cosign 2's way. */
export function signatureTag(digest: string): string {
  return `${digest.replace(":", "-")}.sig`;
}

/** What is signed; `repository` (`host/path`) says where it was. */
export function simpleSigningPayload(repository: string, manifestDigest: string): Uint8Array {
  const critical = {
    identity: { "docker-reference": repository },
    image: { "docker-manifest-digest": manifestDigest },
    type: TYPE,
  };
  return Buffer.from(JSON.stringify({ critical, optional: null }));
}

/**
 * Whether a payload with its signature signs the manifest. The repository in it is not looked at: a copied image has
 * the signatures of its first place.
 */
export function checkSimpleSigning(
  payload: Uint8Array,
  signature: string,
  manifestDigest: string,
  keys: readonly VerificationKey[],
): BundleCheck {
  const key = keys.find((candidate) => candidate.verify(payload, Buffer.from(signature, "base64")));
  if (key === undefined) return { ok: false, problem: "it is signed by another key" };
  const signed = signedDigest(payload);
  if (signed === manifestDigest) return { ok: true, key };
  return { ok: false, problem: signed === undefined ? "what was signed is no image" : "it signs another image" };
}

function signedDigest(payload: Uint8Array): unknown {
  try {
    const { critical } = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) as {
      critical?: { type?: unknown; image?: Record<string, unknown> };
    };
    return critical?.type === TYPE ? critical.image?.["docker-manifest-digest"] : undefined;
  } catch {
    return undefined;
  }
}
