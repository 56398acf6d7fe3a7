import { compareStrings } from "../model/compare.js";
import { type CertificateWarning, certificateWarnings, type DatedCertificate } from "./certificate-warnings.js";
import type { Generation, Generations } from "./generations.js";
import type { MeshAuthority } from "./mesh-authority.js";
import { certificateFacts, splitCertificates } from "./pem.js";
import type { Obstacle, RotationPhase } from "./rotation.js";
import type { TlsIdentity } from "./tls-identity.js";

/** A certificate of the mesh, for people and for metrics. */
export interface ReportedCertificate extends DatedCertificate {
  readonly fingerprint: string;
  /** Of a root and its intermediate: what it does now. */
  readonly state?: "signing" | "next" | "retiring" | "trusted";
  /** Of a root: its key is kept with the others. */
  readonly hasKey?: boolean;
}

/** The last certificate that a workload was given of a root. */
export interface ReportedWorkload {
  readonly workload: string;
  /** Fingerprint. */
  readonly root: string;
  readonly notAfterMs: number;
  readonly isConnected: boolean;
}

/** All that there is to know of the certificates of a mesh. Holds no secret. */
export interface IdentityReport {
  readonly trustDomain: string;
  readonly rotation: { readonly phase: RotationPhase; readonly obstacles: readonly Obstacle[] };
  readonly authorities: readonly ReportedCertificate[];
  /** What the control plane shows to its peers: leaf, then intermediate. */
  readonly controlPlane: readonly ReportedCertificate[];
  readonly workloads: readonly ReportedWorkload[];
  readonly warnings: readonly CertificateWarning[];
}

/** Certificates and their ends. Without an authority of its own a control plane knows only what it shows and trusts. */
export function reportIdentity(
  nowMs: number,
  known: {
    readonly trustDomain: string;
    readonly identity: TlsIdentity;
    readonly authority?: MeshAuthority;
    readonly connected: ReadonlySet<string>;
  },
): IdentityReport {
  const { authority, connected, identity } = known;
  const authorities =
    authority === undefined
      ? splitCertificates(identity.roots).map((pem) => reported("root", pem, { state: "trusted" }))
      : generationsReport(authority.generations);
  const controlPlane = chainReport(identity.certificateChain);
  const workloads = (authority?.issued() ?? []).map(({ workload, root, notAfterMs }) => ({
    workload,
    root,
    notAfterMs,
    isConnected: connected.has(workload),
  }));
  // A root that is retiring ends as it should.
  const dated = [...authorities.filter(({ state }) => state !== "retiring"), ...controlPlane.slice(0, 1)];
  return {
    trustDomain: known.trustDomain,
    rotation: { phase: authority?.phase ?? "none", obstacles: authority?.obstacles ?? [] },
    authorities,
    controlPlane,
    workloads,
    warnings: [...certificateWarnings(nowMs, dated), ...lateWorkloads(nowMs, workloads)],
  };
}

/** A chain as it is in a file: leaf, then intermediates. */
export function chainReport(chainPem: string): readonly ReportedCertificate[] {
  return splitCertificates(chainPem).map((pem, position) => reported(position === 0 ? "leaf" : "intermediate", pem));
}

function generationsReport({ signing, next, retiring }: Generations): readonly ReportedCertificate[] {
  return [
    ...generationReport(signing, "signing"),
    ...(next === undefined ? [] : generationReport(next, "next")),
    ...(retiring === undefined ? [] : generationReport(retiring, "retiring")),
  ];
}

function generationReport(
  { rootPem, authority, hasRootKey }: Generation,
  state: "signing" | "next" | "retiring",
): readonly ReportedCertificate[] {
  const [root = rootPem, ...others] = splitCertificates(rootPem);
  // A root may sign by itself.
  const intermediates = splitCertificates(authority?.intermediatePem ?? "");
  return [
    reported("root", root, { state, hasKey: hasRootKey }),
    ...intermediates.map((pem) => reported("intermediate", pem, { state })),
    ...others.map((pem) => reported("root", pem, { state: "trusted" })),
  ];
}

function reported(
  role: ReportedCertificate["role"],
  pem: string,
  more: Pick<ReportedCertificate, "state" | "hasKey"> = {},
): ReportedCertificate {
  return { role, ...certificateFacts(pem), ...more };
}

/** A proxy that is connected and whose newest certificate ends within minutes is not being renewed. */
function lateWorkloads(nowMs: number, workloads: readonly ReportedWorkload[]): readonly CertificateWarning[] {
  const newest = new Map<string, number>();
  for (const { workload, notAfterMs, isConnected } of workloads)
    if (isConnected) newest.set(workload, Math.max(notAfterMs, newest.get(workload) ?? 0));
  return [...newest]
    .filter(([, notAfterMs]) => notAfterMs - nowMs < LATE_MS)
    .sort(([a], [b]) => compareStrings(a, b))
    .map(([workload, notAfterMs]) => ({
      severity: "warning",
      certificate: workload,
      message: `its newest certificate ends at ${new Date(notAfterMs).toISOString()}`,
      hint: "see whether its sidecar reaches whoever signs; its log says why the renewal fails",
    }));
}

/** A quarter of the shortest lifetime that a flag allows. */
const LATE_MS = 15 * 60_000;
