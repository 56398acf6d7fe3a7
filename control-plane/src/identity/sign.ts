import { BACK_DATE_MS } from "./authority-material.js";
import type { CertificateAuthority } from "./certificate-authority.js";
import { CONTROL_PLANE } from "./control-plane-id.js";
import { KEY_ALGORITHM } from "./keys.js";
import type { Result } from "./result.js";
import { formatSpiffeId, spiffeIdProblem } from "./spiffe-id.js";
import { formatWorkloadUri, workloadUriProblem } from "./workload-uri.js";
import { type JsonGeneralName, Pkcs10CertificateRequest, type PublicKey } from "./x509.js";

export type Signed =
  | {
      readonly ok: true;
      /** Leaf, then intermediate. */
      readonly chainPem: string;
      /** When the leaf ends, milliseconds since 1970: after `ttlMs`, or earlier with the authority's intermediate. */
      readonly notAfterMs: number;
    }
  | { readonly ok: false; readonly message: string };

export interface Lifetime {
  readonly ttlMs: number;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** The workload as the caller has authenticated it; nothing of it comes from the request. */
export interface WorkloadToSign extends Lifetime {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly workload: string;
}

/** Largest request that is read. Those of this mesh have about 300 bytes. */
const MAX_REQUEST_BYTES = 16 * 1024;

/** Signs a workload's request. Of the request only the key is used, and only when the requester has it. */
export async function signWorkload(
  ca: CertificateAuthority,
  csrPem: string,
  workload: WorkloadToSign,
): Promise<Signed> {
  const spiffeId = { trustDomain: ca.trustDomain, ...workload };
  const problem = spiffeIdProblem(spiffeId) ?? workloadUriProblem(spiffeId);
  if (problem !== undefined) return { ok: false, message: problem };
  const names: JsonGeneralName[] = [
    // The SPIFFE id stays first: Envoy puts the first URI into headers and access logs.
    { type: "url", value: formatSpiffeId(spiffeId) },
    { type: "url", value: formatWorkloadUri(spiffeId) },
  ];
  return sign(ca, csrPem, names, workload);
}

/** Signs the request of the control plane itself: its SPIFFE id, `localhost` and 127.0.0.1. */
export async function signServer(ca: CertificateAuthority, csrPem: string, lifetime: Lifetime): Promise<Signed> {
  const names: JsonGeneralName[] = [
    { type: "url", value: formatSpiffeId({ trustDomain: ca.trustDomain, ...CONTROL_PLANE }) },
    { type: "dns", value: "localhost" },
    { type: "ip", value: "127.0.0.1" },
  ];
  return sign(ca, csrPem, names, lifetime);
}

async function sign(
  ca: CertificateAuthority,
  csrPem: string,
  names: readonly JsonGeneralName[],
  { ttlMs, nowMs }: Lifetime,
): Promise<Signed> {
  if (!Number.isFinite(ttlMs) || ttlMs <= 0)
    return { ok: false, message: `a lifetime of ${ttlMs} ms is not more than zero` };
  if (ca.notAfterMs <= nowMs)
    return { ok: false, message: `the authority's intermediate ended at ${new Date(ca.notAfterMs).toISOString()}` };
  const key = await readRequest(csrPem);
  if (!key.ok) return key;
  const leaf = await ca.issue({
    publicKey: key.value,
    names,
    notBeforeMs: nowMs - BACK_DATE_MS,
    notAfterMs: nowMs + ttlMs,
  });
  return {
    ok: true,
    chainPem: `${leaf.toString("pem")}\n${ca.intermediatePem}`,
    notAfterMs: leaf.notAfter.getTime(),
  };
}

/** Why a request would not be signed for anybody, or undefined when it would. */
export async function requestProblem(csrPem: string): Promise<string | undefined> {
  const key = await readRequest(csrPem);
  return key.ok ? undefined : key.message;
}

async function readRequest(csrPem: string): Promise<Result<PublicKey>> {
  if (Buffer.byteLength(csrPem) > MAX_REQUEST_BYTES)
    return { ok: false, message: `the request is larger than ${MAX_REQUEST_BYTES} bytes` };
  try {
    const request = new Pkcs10CertificateRequest(csrPem);
    const { name, namedCurve } = request.publicKey.algorithm as { name: string; namedCurve?: string };
    if (name !== KEY_ALGORITHM.name || namedCurve !== KEY_ALGORITHM.namedCurve)
      return { ok: false, message: `the request's key is ${namedCurve ?? name}, but must be ECDSA on P-256` };
    if (!(await request.verify()))
      return { ok: false, message: "the request is not signed with the key that it names: make a new one" };
    return { ok: true, value: request.publicKey };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, message: `the request is not a PKCS#10 request in PEM: ${reason}` };
  }
}
