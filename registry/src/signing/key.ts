import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scrypt,
  sign,
  verify,
} from "node:crypto";
import { promisify } from "node:util";
import { secretbox } from "@noble/ciphers/salsa.js";
import { RegistryError } from "../error.js";

/** A private key that signs. */
export interface SigningKey {
  readonly publicKey: VerificationKey;
  sign(bytes: Uint8Array): Uint8Array;
}

/** A public key that signatures are checked with. */
export interface VerificationKey {
  /** Base64 of the SHA-256 of the key in SPKI form: how bundles name it. */
  readonly hint: string;
  /** PEM. */
  readonly pem: string;
  verify(bytes: Uint8Array, signature: Uint8Array): boolean;
}

const derive = promisify<string, Uint8Array, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scrypt,
);

const ENCRYPTED = /-----BEGIN ENCRYPTED (SIGSTORE|COSIGN) PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/;
const MAX_KEY_TEXT = 64 * 1024;
/** As cosign 3 writes it. */
const SCRYPT = { N: 65_536, r: 8, p: 1 } as const;
const MAX_SCRYPT_BYTES = 512 * 1024 * 1024;
const MIN_RSA_BITS = 2048;

/** The hashes that signers use with keys on these curves; the first is what we sign with. */
const HASHES: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ["sha256"],
  secp384r1: ["sha384", "sha256"],
  secp521r1: ["sha512", "sha256"],
};

/** A new pair on P-256, as `cosign generate-key-pair` makes it. */
export async function generateKeyPair(
  password: string,
): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const pair = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const pkcs8 = pair.privateKey.export({ type: "pkcs8", format: "der" });
  const salt = randomBytes(32);
  const nonce = randomBytes(24);
  const key = await derive(password, salt, 32, { ...SCRYPT, maxmem: MAX_SCRYPT_BYTES });
  const json = JSON.stringify({
    kdf: { name: "scrypt", params: SCRYPT, salt: salt.toString("base64") },
    cipher: { name: "nacl/secretbox", nonce: nonce.toString("base64") },
    ciphertext: Buffer.from(secretbox(key, nonce).seal(pkcs8)).toString("base64"),
  });
  const body = Buffer.from(json).toString("base64").replace(/.{64}/g, "$&\n");
  return {
    privateKey: `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n${body}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n`,
    publicKey: pair.publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

/**
 * A private key in PEM: cosign's encrypted form, or PKCS#8, SEC 1 or PKCS#1. `name` is how errors call it. Throws
 * RegistryError `invalid-key`; no error holds a secret.
 */
export async function loadSigningKey(pem: string, password: string | undefined, name: string): Promise<SigningKey> {
  if (pem.length > MAX_KEY_TEXT) throw invalid(name, `it has more than ${MAX_KEY_TEXT} characters`);
  const [, , encrypted] = ENCRYPTED.exec(pem) ?? [];
  const key = encrypted === undefined ? readPrivate(pem, password, name) : await decrypt(encrypted, password, name);
  const hash = hashesOf(key, name)[0] ?? null;
  return {
    publicKey: verificationKey(createPublicKey(key), name),
    sign: (bytes) => sign(hash, bytes, key),
  };
}

/** A public key in PEM. Throws RegistryError `invalid-key`. */
export function loadVerificationKey(pem: string, name: string): VerificationKey {
  if (pem.length > MAX_KEY_TEXT) throw invalid(name, `it has more than ${MAX_KEY_TEXT} characters`);
  if (/PRIVATE KEY/.test(pem)) throw invalid(name, "it is a private key; give the public one, which verifying needs");
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw invalid(name, "it is no public key in PEM");
  }
  return verificationKey(key, name);
}

function verificationKey(key: KeyObject, name: string): VerificationKey {
  const spki = key.export({ type: "spki", format: "der" });
  const hashes = hashesOf(key, name);
  return {
    hint: createHash("sha256").update(spki).digest("base64"),
    pem: key.export({ type: "spki", format: "pem" }).toString(),
    verify: (bytes, signature) => hashes.some((hash) => isValid(hash, bytes, key, signature)),
  };
}

function isValid(hash: string | null, bytes: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  try {
    return verify(hash, bytes, key, signature);
  } catch {
    // A signature that cannot even be read is no signature.
    return false;
  }
}

/** The hashes that go with a key; Ed25519 has its own. Throws for keys that are too weak or of other kinds. */
function hashesOf(key: KeyObject, name: string): readonly (string | null)[] {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "ed25519") return [null];
  if (type === "rsa") {
    if ((details?.modulusLength ?? 0) >= MIN_RSA_BITS) return ["sha256"];
    throw invalid(name, `RSA keys must have at least ${MIN_RSA_BITS} bits`);
  }
  const hashes = type === "ec" ? HASHES[details?.namedCurve ?? ""] : undefined;
  if (hashes !== undefined) return hashes;
  throw invalid(
    name,
    `keys of type ${type ?? "unknown"} are not supported; use ECDSA P-256, P-384, P-521, RSA or Ed25519`,
  );
}

function readPrivate(pem: string, password: string | undefined, name: string): KeyObject {
  try {
    return createPrivateKey({ key: pem, ...(password === undefined ? {} : { passphrase: password }) });
  } catch {
    throw invalid(name, "it is no private key in PEM, or its password is wrong");
  }
}

async function decrypt(body: string, password: string | undefined, name: string): Promise<KeyObject> {
  if (password === undefined) throw invalid(name, "it is encrypted, and there is no password for it");
  const { params, salt, nonce, ciphertext } = parseEncrypted(body, name);
  const key = await derive(password, salt, 32, { ...params, maxmem: MAX_SCRYPT_BYTES });
  let pkcs8: Uint8Array;
  try {
    pkcs8 = secretbox(key, nonce).open(ciphertext);
  } catch {
    throw invalid(name, "the password is wrong, or the key is damaged");
  }
  try {
    return createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
  } catch {
    throw invalid(name, "what was encrypted is no PKCS#8 key");
  }
}

interface Encrypted {
  readonly params: { readonly N: number; readonly r: number; readonly p: number };
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** https://github.com/secure-systems-lab/go-securesystemslib/tree/main/encrypted */
function parseEncrypted(body: string, name: string): Encrypted {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(body, "base64").toString("utf8"));
  } catch {
    throw invalid(name, "its content is not as cosign writes it");
  }
  const { kdf, cipher, ciphertext } = (json ?? {}) as Record<string, Record<string, unknown> | undefined>;
  const params = (kdf?.params ?? {}) as Record<string, unknown>;
  const [N, r, p] = [params.N, params.r, params.p].map(Number) as [number, number, number];
  if (kdf?.name !== "scrypt" || cipher?.name !== "nacl/secretbox" || typeof ciphertext !== "string")
    throw invalid(name, "it is not encrypted with scrypt and nacl/secretbox");
  const isSane = [N, r, p].every((n) => Number.isInteger(n) && n > 0) && 128 * N * r + 128 * r * p <= MAX_SCRYPT_BYTES;
  if (!isSane || p > 16) throw invalid(name, "its scrypt parameters are out of bounds");
  const nonce = Buffer.from(String(cipher.nonce ?? ""), "base64");
  if (nonce.length !== 24) throw invalid(name, "its nonce has not 24 bytes");
  return {
    params: { N, r, p },
    salt: Buffer.from(String(kdf.salt ?? ""), "base64"),
    nonce,
    ciphertext: Buffer.from(ciphertext, "base64"),
  };
}

function invalid(name: string, what: string): RegistryError {
  return new RegistryError("invalid-key", `the key ${name} cannot be used: ${what}`);
}
