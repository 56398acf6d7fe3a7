import { createPrivateKey, webcrypto } from "node:crypto";
import { PemConverter } from "./x509.js";

/** The only kind of key in the mesh. */
export const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
export const SIGNATURE_ALGORITHM = { name: "ECDSA", hash: "SHA-256" } as const;

export async function createKeyPair(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
}

/** The private key as PKCS#8 PEM. */
export async function exportPrivateKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), PemConverter.PrivateKeyTag)}\n`;
}

/** The pair of a private key in PKCS#8 PEM. Throws when it is not an ECDSA key on P-256; never quotes the key. */
export async function importKeyPair(privateKeyPem: string): Promise<webcrypto.CryptoKeyPair> {
  const key = createPrivateKey(privateKeyPem);
  if (key.asymmetricKeyType !== "ec" || key.asymmetricKeyDetails?.namedCurve !== "prime256v1")
    throw new TypeError("the key is not an ECDSA key on the curve P-256");
  const { d: _secret, ...publicJwk } = key.export({ format: "jwk" });
  const { subtle } = webcrypto;
  const pkcs8 = key.export({ format: "der", type: "pkcs8" });
  return {
    privateKey: await subtle.importKey("pkcs8", pkcs8, KEY_ALGORITHM, false, ["sign"]),
    publicKey: await subtle.importKey("jwk", publicJwk, KEY_ALGORITHM, true, ["verify"]),
  };
}
