import { KEY_ALGORITHM } from "./keys.js";
import { Pkcs10CertificateRequest, type PublicKey } from "./x509.js";

/** The key that a request is for, or why none is signed. */
export type RequestKey =
  | { readonly ok: true; readonly publicKey: PublicKey }
  | {
      readonly ok: false;
      /** `key-type`: another kind of key would do. `request`: it cannot be read, or does not prove possession. */
      readonly problem: "key-type" | "request";
      readonly message: string;
    };

/** Largest request that is read. Those of this mesh have about 300 bytes. */
const MAX_REQUEST_BYTES = 16 * 1024;

/** The key of a PKCS#10 request, PEM or DER, when the requester proves to have it and it is of the kind that the mesh uses. */
export async function requestKey(request: string | Uint8Array): Promise<RequestKey> {
  const size = typeof request === "string" ? Buffer.byteLength(request) : request.length;
  const refuse = (problem: "key-type" | "request", message: string): RequestKey => ({ ok: false, problem, message });
  if (size > MAX_REQUEST_BYTES) return refuse("request", `the request is larger than ${MAX_REQUEST_BYTES} bytes`);
  try {
    // The copy is what the library's type asks for: bytes that nobody shares.
    const read = new Pkcs10CertificateRequest(typeof request === "string" ? request : Uint8Array.from(request));
    const { name, namedCurve } = read.publicKey.algorithm as { name: string; namedCurve?: string };
    if (name !== KEY_ALGORITHM.name || namedCurve !== KEY_ALGORITHM.namedCurve)
      return refuse("key-type", `the request's key is ${namedCurve ?? name}, but must be ECDSA on P-256`);
    if (!(await read.verify()))
      return refuse("request", "the request is not signed with the key that it names: make a new one");
    return { ok: true, publicKey: read.publicKey };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const form = typeof request === "string" ? "PEM" : "DER";
    return refuse("request", `the request is not a PKCS#10 request in ${form}: ${reason}`);
  }
}
