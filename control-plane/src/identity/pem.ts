import { X509Certificate } from "node:crypto";

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g;

/** What a certificate says of itself. Times in milliseconds since 1970. */
export interface CertificateFacts {
  /** The URI names, else the subject. */
  readonly name: string;
  /** SHA-256 of its DER bytes, as lower-case hexadecimal digits. */
  readonly fingerprint: string;
  /** Hexadecimal digits. */
  readonly serialNumber: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** The certificates of a PEM text, in its order. */
export function splitCertificates(pem: string): readonly string[] {
  return pem.match(CERTIFICATES) ?? [];
}

/** Throws when the text is no certificate in PEM. */
export function certificateFacts(pem: string): CertificateFacts {
  const certificate = new X509Certificate(pem);
  const uris = [...(certificate.subjectAltName ?? "").matchAll(/URI:([^,]+)/g)].map(([, uri]) => uri ?? "");
  return {
    name: uris.length > 0 ? uris.join(" ") : certificate.subject.replaceAll("\n", ", "),
    fingerprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
    serialNumber: certificate.serialNumber.toLowerCase(),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
  };
}

/** Whether the first certificate of the chain was signed by this one. False when one of them cannot be read. */
export function isSignedBy(chainPem: string, issuerPem: string): boolean {
  try {
    return new X509Certificate(chainPem).verify(new X509Certificate(issuerPem).publicKey);
  } catch {
    return false;
  }
}
