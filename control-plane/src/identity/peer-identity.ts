import { quote } from "./names.js";
import { parseSpiffeId } from "./spiffe-id.js";
import { parseWorkloadUri } from "./workload-uri.js";
import { SubjectAlternativeNameExtension, X509Certificate } from "./x509.js";

export type PeerIdentity =
  | {
      readonly ok: true;
      readonly namespace: string;
      readonly serviceAccount: string;
      /** Name of the workload instance, in the same namespace. */
      readonly workload: string;
      /** Of a Pod: its uid. */
      readonly uid?: string;
      /** When the certificate ends, milliseconds since 1970. */
      readonly notAfterMs: number;
    }
  | { readonly ok: false; readonly message: string };

const MAX_CERTIFICATE_BYTES = 64 * 1024;

/**
 * Whose certificate this is: DER bytes, or PEM of which the first certificate counts. Only for certificates whose chain
 * TLS has verified up to the mesh's root; nothing of that is checked here.
 */
export function peerIdentity(certificate: Uint8Array | string, trustDomain: string): PeerIdentity {
  if (certificate.length > MAX_CERTIFICATE_BYTES)
    return { ok: false, message: `the peer's certificate is larger than ${MAX_CERTIFICATE_BYTES} bytes` };
  let uris: string[];
  let notAfterMs: number;
  try {
    // The copy is what the library's type asks for: bytes that nobody shares.
    const parsed = new X509Certificate(typeof certificate === "string" ? certificate : Uint8Array.from(certificate));
    const names = parsed.getExtension(SubjectAlternativeNameExtension)?.names.toJSON() ?? [];
    uris = names.filter((name) => name.type === "url").map((name) => name.value);
    notAfterMs = parsed.notAfter.getTime();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, message: `the peer's certificate cannot be read: ${reason}` };
  }
  const [spiffeUri, ...moreSpiffe] = uris.filter((uri) => uri.startsWith("spiffe:"));
  const [workloadUri, ...moreWorkload] = uris.filter((uri) => uri.startsWith("weft:"));
  if (spiffeUri === undefined || moreSpiffe.length > 0)
    return { ok: false, message: `the peer's certificate has ${counted(spiffeUri, moreSpiffe)} SPIFFE ids, not one` };
  if (workloadUri === undefined || moreWorkload.length > 0)
    return {
      ok: false,
      message: `the peer's certificate has ${counted(workloadUri, moreWorkload)} weft:// URIs, not one`,
    };

  const spiffeId = parseSpiffeId(spiffeUri);
  if (!spiffeId.ok) return spiffeId;
  const workload = parseWorkloadUri(workloadUri);
  if (!workload.ok) return workload;
  for (const found of [spiffeId.value.trustDomain, workload.value.trustDomain])
    if (found !== trustDomain)
      return { ok: false, message: `the peer is of trust domain ${quote(found)}, not of ${quote(trustDomain)}` };
  if (spiffeId.value.namespace !== workload.value.namespace)
    return {
      ok: false,
      message: `the peer's certificate names two namespaces: ${quote(spiffeUri)}, ${quote(workloadUri)}`,
    };
  const { namespace, serviceAccount } = spiffeId.value;
  const { uid } = workload.value;
  return {
    ...{ ok: true, namespace, serviceAccount, workload: workload.value.workload, notAfterMs },
    ...(uid === undefined ? {} : { uid }),
  };
}

/**
 * Why the peer is not the workload that has its name now, or undefined when it is. A pod's certificate outlives the pod;
 * the next one of that name, of a StatefulSet for example, is somebody else.
 */
export function replacedProblem(
  peer: { readonly namespace: string; readonly workload: string; readonly uid?: string },
  now: { readonly uid?: string } | undefined,
): string | undefined {
  if (now === undefined || now.uid === peer.uid) return undefined;
  const name = `${peer.namespace}/${peer.workload}`;
  const uid = (text: string | undefined) => (text === undefined ? "none" : quote(text));
  return `the certificate is for ${name} with uid ${uid(peer.uid)}, but ${name} has uid ${uid(now.uid)} now`;
}

function counted(first: string | undefined, more: readonly string[]): number {
  return first === undefined ? 0 : 1 + more.length;
}
