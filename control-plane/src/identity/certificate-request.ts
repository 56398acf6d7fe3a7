import { createPrivateKey, X509Certificate } from "node:crypto";
import { createKeyPair, exportPrivateKey, importKeyPair, SIGNATURE_ALGORITHM } from "./keys.js";
import { Pkcs10CertificateRequestGenerator } from "./x509.js";

/** A new ECDSA key on P-256, as PKCS#8 PEM. */
export async function createPrivateKeyPem(): Promise<string> {
  return exportPrivateKey((await createKeyPair()).privateKey);
}

/**
 * A PKCS#10 request, as PEM, that proves possession of the key and asks for nothing: the signer knows whom it serves.
 * Throws when the key is not an ECDSA key on P-256.
 */
export async function createCertificateRequest(privateKeyPem: string): Promise<string> {
  const keys = await importKeyPair(privateKeyPem);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: "",
    keys,
    signingAlgorithm: SIGNATURE_ALGORITHM,
  });
  return `${request.toString("pem")}\n`;
}

/** Whether the first certificate of the chain is for this private key. Throws when one of them cannot be read. */
export function isCertificateForKey(chainPem: string, privateKeyPem: string): boolean {
  return new X509Certificate(chainPem).checkPrivateKey(createPrivateKey(privateKeyPem));
}

/** From when until when the first certificate of the chain is valid. Throws when it cannot be read. */
export function certificateValidity(chainPem: string): { readonly notBeforeMs: number; readonly notAfterMs: number } {
  const { validFrom, validTo } = new X509Certificate(chainPem);
  return { notBeforeMs: Date.parse(validFrom), notAfterMs: Date.parse(validTo) };
}
