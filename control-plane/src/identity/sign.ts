import { BACK_DATE_MS } from "./authority-material.js";
import type { CertificateAuthority } from "./certificate-authority.js";
import { CONTROL_PLANE } from "./control-plane-id.js";
import { requestKey } from "./request-key.js";
import { formatSpiffeId, spiffeIdProblem } from "./spiffe-id.js";
import { formatWorkloadUri, workloadUriProblem } from "./workload-uri.js";
import type { JsonGeneralName } from "./x509.js";

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
  /** Of a Pod. */
  readonly uid?: string;
}

/** Signs a workload's request, PEM or DER. Of the request only the key is used, and only when the requester has it. */
export async function signWorkload(
  ca: CertificateAuthority,
  request: string | Uint8Array,
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
  return sign(ca, request, names, workload);
}

/** What the control plane asks for itself. */
export interface ServerToSign extends Lifetime {
  /** By which clients call it, besides `localhost`. Default: none. */
  readonly dnsNames?: readonly string[];
}

/** Signs the request of the control plane itself: its SPIFFE id, its DNS names, `localhost` and 127.0.0.1. */
export async function signServer(ca: CertificateAuthority, csrPem: string, server: ServerToSign): Promise<Signed> {
  const names: JsonGeneralName[] = [
    { type: "url", value: formatSpiffeId({ trustDomain: ca.trustDomain, ...CONTROL_PLANE }) },
    ...(server.dnsNames ?? []).map((value) => ({ type: "dns", value }) as const),
    { type: "dns", value: "localhost" },
    { type: "ip", value: "127.0.0.1" },
  ];
  return sign(ca, csrPem, names, server);
}

async function sign(
  ca: CertificateAuthority,
  request: string | Uint8Array,
  names: readonly JsonGeneralName[],
  { ttlMs, nowMs }: Lifetime,
): Promise<Signed> {
  if (!Number.isFinite(ttlMs) || ttlMs <= 0)
    return { ok: false, message: `a lifetime of ${ttlMs} ms is not more than zero` };
  if (ca.notAfterMs <= nowMs)
    return { ok: false, message: `the authority's intermediate ended at ${new Date(ca.notAfterMs).toISOString()}` };
  const key = await requestKey(request);
  if (!key.ok) return { ok: false, message: key.message };
  const leaf = await ca.issue({
    publicKey: key.publicKey,
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
  const key = await requestKey(csrPem);
  return key.ok ? undefined : key.message;
}
