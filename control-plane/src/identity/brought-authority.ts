import { createPrivateKey, type KeyObject, X509Certificate as NodeCertificate, webcrypto } from "node:crypto";
import type { AuthorityOptions } from "./authority-material.js";
import type { CertificateAuthority } from "./certificate-authority.js";
import { createLeafIssuer, type SigningKey } from "./leaf-issuer.js";
import { splitCertificates } from "./pem.js";
import type { Result } from "./result.js";
import { SubjectAlternativeNameExtension, X509Certificate } from "./x509.js";

/** An authority as cert-manager keeps one in a Secret; all PEM. Holds a secret: never log it. */
export interface BroughtAuthority {
  /** `tls.crt`: the certificate that signs, then those between it and the root. */
  readonly chainPem: string;
  /** `tls.key`, in any form that Node reads without a password. */
  readonly keyPem: string;
  /** `ca.crt`: the root, and others that are to be trusted with it. */
  readonly rootsPem: string;
}

/** The root that a chain goes up to, and what a leaf must be sent with. */
export interface AnchoredChain {
  readonly signing: string;
  readonly anchor: string;
  /** All roots, the anchor first, none twice. */
  readonly roots: readonly string[];
  /** Without the anchor: empty when that signs itself. */
  readonly toSend: readonly string[];
}

const MAX_CERTIFICATES = 16;
const MAX_PEM_BYTES = 64 * 1024;

/** Checks every signature of the chain, but no time. */
export function anchorChain({ chainPem, rootsPem }: Omit<BroughtAuthority, "keyPem">): Result<AnchoredChain> {
  const refuse = (message: string) => ({ ok: false, message }) as const;
  if (chainPem.length > MAX_PEM_BYTES || rootsPem.length > MAX_PEM_BYTES)
    return refuse(`tls.crt and ca.crt may have ${MAX_PEM_BYTES} bytes each`);
  const chain = splitCertificates(chainPem);
  const roots = splitCertificates(rootsPem);
  if (chain.length === 0) return refuse("tls.crt has no certificate in PEM");
  if (roots.length === 0) return refuse("ca.crt has no certificate in PEM: it must hold the root");
  if (chain.length > MAX_CERTIFICATES || roots.length > MAX_CERTIFICATES)
    return refuse(`tls.crt and ca.crt may hold ${MAX_CERTIFICATES} certificates each`);
  try {
    const read = chain.map((pem) => ({ pem, certificate: new NodeCertificate(pem) }));
    const trusted = roots.map((pem) => ({ pem, certificate: new NodeCertificate(pem) }));
    const noAuthority = [...read, ...trusted].find(({ certificate }) => !certificate.ca);
    if (noAuthority !== undefined)
      return refuse(
        `${nameOf(noAuthority.certificate)} is not a certificate of an authority (basicConstraints CA, keyUsage keyCertSign)`,
      );
    const sent: typeof read = [];
    for (const link of read) {
      const below = sent.at(-1);
      if (below !== undefined && !isIssuedBy(below.certificate, link.certificate))
        return refuse(`tls.crt: ${nameOf(below.certificate)} is not signed by the certificate after it`);
      const own = trusted.find(({ certificate }) => certificate.fingerprint256 === link.certificate.fingerprint256);
      if (own !== undefined) return anchored(read, sent, own, trusted);
      sent.push(link);
    }
    const last = sent.at(-1)?.certificate;
    const anchor = trusted.find(({ certificate }) => last !== undefined && isIssuedBy(last, certificate));
    return anchor === undefined
      ? refuse("no root in ca.crt has signed the last certificate in tls.crt")
      : anchored(read, sent, anchor, trusted);
  } catch (error) {
    return refuse(`tls.crt and ca.crt cannot be read: ${messageOf(error)}`);
  }
}

interface Readable {
  readonly pem: string;
  readonly certificate: NodeCertificate;
}

function anchored(
  chain: readonly Readable[],
  sent: readonly Readable[],
  anchor: Readable,
  trusted: readonly Readable[],
): Result<AnchoredChain> {
  const byFingerprint = new Map(
    [anchor, ...trusted].map((root) => [root.certificate.fingerprint256, endLine(root.pem)]),
  );
  return {
    ok: true,
    value: {
      signing: endLine(chain[0]?.pem ?? anchor.pem),
      anchor: endLine(anchor.pem),
      roots: [...byFingerprint.values()],
      toSend: sent.map(({ pem }) => endLine(pem)),
    },
  };
}

/** The authority that somebody else made, once everything in it has been found to fit together. */
export async function openBroughtAuthority(
  brought: BroughtAuthority,
  options: AuthorityOptions,
): Promise<Result<CertificateAuthority>> {
  const chain = anchorChain(brought);
  if (!chain.ok) return chain;
  const { signing, anchor, roots, toSend } = chain.value;
  const problem = chainProblem([signing, ...toSend, anchor], options);
  if (problem !== undefined) return { ok: false, message: problem };
  const certificate = new X509Certificate(signing);
  const key = await readKey(brought.keyPem, signing);
  if (!key.ok) return key;
  return {
    ok: true,
    value: {
      trustDomain: options.trustDomain,
      rootPem: roots.join(""),
      intermediatePem: toSend.join(""),
      // What is above it ends no sooner for those who look at the whole chain.
      notAfterMs: Math.min(...[signing, ...toSend, anchor].map((pem) => new X509Certificate(pem).notAfter.getTime())),
      issue: await createLeafIssuer(certificate, key.value),
    },
  };
}

function chainProblem(chain: readonly string[], { trustDomain, nowMs }: AuthorityOptions): string | undefined {
  for (const pem of chain) {
    const certificate = new X509Certificate(pem);
    const name = JSON.stringify(certificate.subject);
    const ids = (certificate.getExtension(SubjectAlternativeNameExtension)?.names.toJSON() ?? [])
      .filter(({ type, value }) => type === "url" && value.startsWith("spiffe:"))
      .map(({ value }) => value);
    if (ids.length > 0 && !ids.includes(`spiffe://${trustDomain}`))
      return `${name} is for ${ids.join(", ")}, not for spiffe://${trustDomain}`;
    if (certificate.notAfter.getTime() <= nowMs) return `${name} ended at ${certificate.notAfter.toISOString()}`;
    if (certificate.notBefore.getTime() > nowMs)
      return `${name} begins only at ${certificate.notBefore.toISOString()}: is this machine's clock right?`;
  }
  return undefined;
}

async function readKey(keyPem: string, certificatePem: string): Promise<Result<SigningKey>> {
  let key: KeyObject;
  try {
    key = createPrivateKey(keyPem);
  } catch {
    // What the library says may quote the key.
    return { ok: false, message: "tls.key is not a private key in PEM without a password" };
  }
  if (!new NodeCertificate(certificatePem).checkPrivateKey(key))
    return { ok: false, message: "tls.key does not belong to the first certificate in tls.crt" };
  const algorithm = algorithmOf(key);
  if (algorithm === undefined)
    return { ok: false, message: "tls.key must be an ECDSA key on P-256 or P-384, or an RSA key of 2048 bits or more" };
  const pkcs8 = key.export({ format: "der", type: "pkcs8" });
  const privateKey = await webcrypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
  return { ok: true, value: { privateKey, algorithm } };
}

function algorithmOf(key: KeyObject): { name: string; hash: string; namedCurve?: string } | undefined {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === "rsa" && modulusLength >= 2048) return { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  if (key.asymmetricKeyType !== "ec") return undefined;
  if (namedCurve === "prime256v1") return { name: "ECDSA", hash: "SHA-256", namedCurve: "P-256" };
  if (namedCurve === "secp384r1") return { name: "ECDSA", hash: "SHA-384", namedCurve: "P-384" };
  return undefined;
}

function isIssuedBy(certificate: NodeCertificate, issuer: NodeCertificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function nameOf(certificate: NodeCertificate): string {
  return JSON.stringify(certificate.subject?.replaceAll("\n", ", ") ?? "");
}

function endLine(pem: string): string {
  return pem.endsWith("\n") ? pem : `${pem}\n`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
