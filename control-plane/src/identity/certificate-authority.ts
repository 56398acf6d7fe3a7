import { createPrivateKey, X509Certificate as NodeCertificate } from "node:crypto";
import { type AuthorityMaterial, type AuthorityOptions, createAuthorityMaterial } from "./authority-material.js";
import { importKeyPair, SIGNATURE_ALGORITHM } from "./keys.js";
import { createLeafIssuer } from "./leaf-issuer.js";
import { trustDomainProblem } from "./names.js";
import type { Result } from "./result.js";
import {
  BasicConstraintsExtension,
  type JsonGeneralName,
  type PublicKey,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from "./x509.js";

/** Signs leaf certificates with an intermediate. Its keys cannot be had from it. */
export interface CertificateAuthority {
  readonly trustDomain: string;
  /** What peers trust: the root, PEM. */
  readonly rootPem: string;
  /** What a leaf must be sent with, PEM. */
  readonly intermediatePem: string;
  /** When the intermediate ends; no leaf lives longer. Milliseconds since 1970. */
  readonly notAfterMs: number;
  /** Issues a certificate for TLS clients and servers. The caller answers for the names. */
  issue(leaf: Leaf): Promise<X509Certificate>;
}

export interface Leaf {
  readonly publicKey: PublicKey;
  readonly names: readonly JsonGeneralName[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** A new certificate authority. Throws a RangeError when the trust domain is none. */
export async function createCertificateAuthority(options: {
  readonly trustDomain: string;
  /** Default: now. */
  readonly nowMs?: number;
}): Promise<CertificateAuthority> {
  const problem = trustDomainProblem(options.trustDomain);
  if (problem !== undefined) throw new RangeError(problem);
  const complete = { trustDomain: options.trustDomain, nowMs: options.nowMs ?? Date.now() };
  const opened = await openCertificateAuthority(await createAuthorityMaterial(complete), complete);
  if (!opened.ok) throw new Error(`a new certificate authority is not valid: ${opened.message}`);
  return opened.value;
}

/** The certificate authority of this material, once everything in it has been found to fit together. */
export async function openCertificateAuthority(
  material: AuthorityMaterial,
  options: AuthorityOptions,
): Promise<Result<CertificateAuthority>> {
  const problem = await materialProblem(material, options);
  if (problem !== undefined) return { ok: false, message: problem };
  const { trustDomain } = options;
  const intermediate = new X509Certificate(material.intermediatePem);
  const keys = await importKeyPair(material.intermediateKeyPem);
  const signingKey = { privateKey: keys.privateKey, algorithm: SIGNATURE_ALGORITHM };
  return {
    ok: true,
    value: {
      trustDomain,
      rootPem: material.rootPem,
      intermediatePem: material.intermediatePem,
      notAfterMs: intermediate.notAfter.getTime(),
      issue: await createLeafIssuer(intermediate, signingKey),
    },
  };
}

async function materialProblem(material: AuthorityMaterial, options: AuthorityOptions): Promise<string | undefined> {
  const root = readCertificate("root certificate", material.rootPem);
  if (!root.ok) return root.message;
  const intermediate = readCertificate("intermediate certificate", material.intermediatePem);
  if (!intermediate.ok) return intermediate.message;
  return (
    authorityProblem("root certificate", root.value, options) ??
    authorityProblem("intermediate certificate", intermediate.value, options) ??
    (await signatureProblem("root certificate", root.value, root.value)) ??
    (await signatureProblem("intermediate certificate", intermediate.value, root.value)) ??
    (material.rootKeyPem === undefined ? undefined : keyProblem("root key", material.rootKeyPem, material.rootPem)) ??
    keyProblem("intermediate key", material.intermediateKeyPem, material.intermediatePem)
  );
}

function readCertificate(what: string, pem: string): Result<X509Certificate> {
  try {
    return { ok: true, value: new X509Certificate(pem) };
  } catch (error) {
    return { ok: false, message: `the ${what} cannot be read: ${messageOf(error)}` };
  }
}

function authorityProblem(what: string, certificate: X509Certificate, options: AuthorityOptions): string | undefined {
  if (certificate.getExtension(BasicConstraintsExtension)?.ca !== true) return `the ${what} is not one of an authority`;
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.toJSON() ?? [];
  const expected = `spiffe://${options.trustDomain}`;
  if (!names.some((name) => name.type === "url" && name.value === expected)) {
    const found = names.map((name) => name.value).join(", ");
    return `the ${what} is for ${found === "" ? "no trust domain" : found}, not for ${expected}`;
  }
  if (certificate.notAfter.getTime() <= options.nowMs)
    return `the ${what} ended at ${certificate.notAfter.toISOString()}`;
  if (certificate.notBefore.getTime() > options.nowMs)
    return `the ${what} begins only at ${certificate.notBefore.toISOString()}: is this machine's clock right?`;
  return undefined;
}

async function signatureProblem(
  what: string,
  certificate: X509Certificate,
  issuer: X509Certificate,
): Promise<string | undefined> {
  const isSigned =
    certificate.issuer === issuer.subject &&
    (await certificate.verify({ publicKey: issuer.publicKey, signatureOnly: true }));
  return isSigned ? undefined : `the ${what} is not signed by the root`;
}

function keyProblem(what: string, keyPem: string, certificatePem: string): string | undefined {
  try {
    const isPair = new NodeCertificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem));
    return isPair ? undefined : `the ${what} does not belong to its certificate`;
  } catch (error) {
    return `the ${what} cannot be read: ${messageOf(error)}`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
