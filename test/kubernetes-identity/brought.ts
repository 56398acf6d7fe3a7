import { createPrivateKey, webcrypto } from "node:crypto";
import type { BroughtAuthority } from "../../control-plane/src/identity/brought-authority.js";
import {
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "../../control-plane/src/identity/x509.js";

export const DAY_MS = 24 * 3_600_000;

export type KeyKind = "rsa" | "p256" | "p384";

const ALGORITHMS = {
  rsa: {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
  p256: { name: "ECDSA", hash: "SHA-256", namedCurve: "P-256" },
  p384: { name: "ECDSA", hash: "SHA-384", namedCurve: "P-384" },
} as const;

export interface Link {
  readonly certificate: X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly kind: KeyKind;
}

/** A certificate of an authority, as cert-manager or openssl would make one: without any URI. */
export async function createLink(
  name: string,
  kind: KeyKind,
  issuer?: Link,
  change: {
    readonly isAuthority?: boolean;
    readonly isSigner?: boolean;
    readonly endsMs?: number;
    readonly extensions?: readonly Extension[];
  } = {},
): Promise<Link> {
  const keys = (await webcrypto.subtle.generateKey(ALGORITHMS[kind], true, [
    "sign",
    "verify",
  ])) as webcrypto.CryptoKeyPair;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString("hex"),
    subject: `CN=${name}`,
    issuer: issuer?.certificate.subjectName ?? `CN=${name}`,
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: ALGORITHMS[issuer?.kind ?? kind],
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(change.endsMs ?? Date.now() + 30 * DAY_MS),
    extensions: [
      new BasicConstraintsExtension(change.isAuthority ?? true, undefined, true),
      new KeyUsagesExtension(
        KeyUsageFlags.digitalSignature | (change.isSigner === false ? 0 : KeyUsageFlags.keyCertSign),
        true,
      ),
      // Not what our own library would compute from the key: others compute it in other ways.
      new SubjectKeyIdentifierExtension(Buffer.from(webcrypto.getRandomValues(new Uint8Array(20))).toString("hex")),
      ...(change.extensions ?? []),
    ],
  });
  return { certificate, keys, kind };
}

/** The key in the form that cert-manager writes when nothing else is said: PKCS#1 and SEC 1. */
export async function keyPemOf({ keys, kind }: Link): Promise<string> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  return key.export({ format: "pem", type: kind === "rsa" ? "pkcs1" : "sec1" }).toString();
}

export const pemOf = (...links: readonly Link[]) =>
  links.map(({ certificate }) => `${certificate.toString("pem")}\n`).join("");

/** What stands in the Secret of an issuer whose chain these are, the root last. */
export async function brought(chain: readonly Link[]): Promise<BroughtAuthority> {
  const [signing] = chain;
  const root = chain.at(-1);
  if (signing === undefined || root === undefined) throw new Error("no chain");
  const sent = chain.length === 1 ? chain : chain.slice(0, -1);
  return { chainPem: pemOf(...sent), keyPem: await keyPemOf(signing), rootsPem: pemOf(root) };
}
