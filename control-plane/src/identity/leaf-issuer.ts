import type { webcrypto } from "node:crypto";
import type { Leaf } from "./certificate-authority.js";
import { createSerialNumber } from "./serial-number.js";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "./x509.js";

/** The key that signs, as WebCrypto wants it. */
export interface SigningKey {
  readonly privateKey: webcrypto.CryptoKey;
  readonly algorithm: { readonly name: string; readonly hash: string };
}

/** Issues certificates for TLS clients and servers under `issuer`, none of which outlives it. */
export async function createLeafIssuer(
  issuer: X509Certificate,
  { privateKey, algorithm }: SigningKey,
): Promise<(leaf: Leaf) => Promise<X509Certificate>> {
  // What the issuer says of its own key, however it was computed: verifiers compare the two.
  const keyId = issuer.getExtension(SubjectKeyIdentifierExtension)?.keyId;
  const authorityKeyIdentifier =
    keyId === undefined
      ? await AuthorityKeyIdentifierExtension.create(issuer.publicKey)
      : new AuthorityKeyIdentifierExtension(keyId);
  return async (leaf) =>
    X509CertificateGenerator.create({
      serialNumber: createSerialNumber(),
      subject: "",
      // Not as text: its strings must stay encoded as they are.
      issuer: issuer.subjectName,
      publicKey: leaf.publicKey,
      signingKey: privateKey,
      signingAlgorithm: algorithm,
      notBefore: new Date(leaf.notBeforeMs),
      notAfter: new Date(Math.min(leaf.notAfterMs, issuer.notAfter.getTime())),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]),
        // Critical, because the subject is empty (RFC 5280, 4.2.1.6).
        new SubjectAlternativeNameExtension([...leaf.names], true),
        await SubjectKeyIdentifierExtension.create(leaf.publicKey),
        authorityKeyIdentifier,
      ],
    });
}
