import { createCertificateAuthority } from "../control-plane/src/identity/certificate-authority.js";
import { createCertificateRequest, createPrivateKeyPem } from "../control-plane/src/identity/certificate-request.js";
import { signServer } from "../control-plane/src/identity/sign.js";

export interface WebhookCertificate {
  /** PEM, leaf first. */
  readonly certificateChain: string;
  readonly privateKey: string;
  /** PEM of the root. */
  readonly roots: string;
}

/** A certificate for 127.0.0.1, of an authority of its own. */
export async function createWebhookCertificate(): Promise<WebhookCertificate> {
  const authority = await createCertificateAuthority({ trustDomain: "cluster.local" });
  const privateKey = await createPrivateKeyPem();
  const request = await createCertificateRequest(privateKey);
  const signed = await signServer(authority, request, { ttlMs: 3_600_000, nowMs: Date.now() });
  if (!signed.ok) throw new Error(signed.message);
  return { certificateChain: signed.chainPem, privateKey, roots: authority.rootPem };
}
