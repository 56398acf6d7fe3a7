import assert from "node:assert/strict";
import type { webcrypto } from "node:crypto";
import { createKeyPair, exportPrivateKey, importKeyPair, SIGNATURE_ALGORITHM } from "./keys.js";
import { trustDomainProblem } from "./names.js";
import { createSerialNumber } from "./serial-number.js";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "./x509.js";

/** Certificates and keys of a certificate authority, all PEM. Holds secrets: never log it. */
export interface AuthorityMaterial {
  readonly rootPem: string;
  /** PKCS#8. Absent when the root is kept offline: then the intermediate cannot be renewed here. */
  readonly rootKeyPem?: string;
  readonly intermediatePem: string;
  /** PKCS#8. */
  readonly intermediateKeyPem: string;
}

export interface AuthorityOptions {
  /** Of the SPIFFE ids that are signed, for example `cluster.local`. */
  readonly trustDomain: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
export const ROOT_LIFETIME_MS = 3650 * DAY_MS;
export const INTERMEDIATE_LIFETIME_MS = 365 * DAY_MS;
/** Clocks of peers may be behind by so much. */
export const BACK_DATE_MS = 60 * 1000;

/** A new root, signed by itself for ten years, and an intermediate for one. The trust domain must be valid. */
export async function createAuthorityMaterial(options: AuthorityOptions): Promise<AuthorityMaterial> {
  assert.equal(trustDomainProblem(options.trustDomain), undefined);
  const keys = await createKeyPair();
  const subject = authorityName(options.trustDomain, "root");
  const root = await createAuthorityCertificate({
    ...options,
    subject,
    issuer: subject,
    keys,
    signingKey: keys.privateKey,
    extensions: [await SubjectKeyIdentifierExtension.create(keys.publicKey)],
    pathLength: 1,
    notAfterMs: options.nowMs + ROOT_LIFETIME_MS,
  });
  const rootPem = `${root.toString("pem")}\n`;
  return createIntermediate({ rootPem, rootKeyPem: await exportPrivateKey(keys.privateKey) }, options);
}

/** The same root with a new intermediate. Throws when the root's key is not a key of the mesh. */
export async function createIntermediate(
  root: { readonly rootPem: string; readonly rootKeyPem: string },
  options: AuthorityOptions,
): Promise<AuthorityMaterial> {
  const keys = await createKeyPair();
  const certificate = new X509Certificate(root.rootPem);
  const rootKeys = await importKeyPair(root.rootKeyPem);
  const intermediate = await createAuthorityCertificate({
    ...options,
    subject: authorityName(options.trustDomain, "intermediate"),
    issuer: certificate.subject,
    keys,
    signingKey: rootKeys.privateKey,
    extensions: [
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
    pathLength: 0,
    notAfterMs: Math.min(options.nowMs + INTERMEDIATE_LIFETIME_MS, certificate.notAfter.getTime()),
  });
  return {
    rootPem: root.rootPem,
    rootKeyPem: root.rootKeyPem,
    intermediatePem: `${intermediate.toString("pem")}\n`,
    intermediateKeyPem: await exportPrivateKey(keys.privateKey),
  };
}

function authorityName(trustDomain: string, rank: "root" | "intermediate"): string {
  return `O=${trustDomain}, CN=Weft ${rank}`;
}

interface AuthorityCertificate extends AuthorityOptions {
  readonly subject: string;
  readonly issuer: string;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly signingKey: webcrypto.CryptoKey;
  readonly extensions: readonly (SubjectKeyIdentifierExtension | AuthorityKeyIdentifierExtension)[];
  readonly pathLength: number;
  readonly notAfterMs: number;
}

function createAuthorityCertificate(certificate: AuthorityCertificate): Promise<X509Certificate> {
  return X509CertificateGenerator.create({
    serialNumber: createSerialNumber(),
    subject: certificate.subject,
    issuer: certificate.issuer,
    publicKey: certificate.keys.publicKey,
    signingKey: certificate.signingKey,
    signingAlgorithm: SIGNATURE_ALGORITHM,
    notBefore: new Date(certificate.nowMs - BACK_DATE_MS),
    notAfter: new Date(certificate.notAfterMs),
    extensions: [
      new BasicConstraintsExtension(true, certificate.pathLength, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      // https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md#32-signing-certificates
      new SubjectAlternativeNameExtension([{ type: "url", value: `spiffe://${certificate.trustDomain}` }]),
      ...certificate.extensions,
    ],
  });
}
