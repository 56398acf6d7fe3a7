import { compareStrings } from "../model/compare.js";

/**
 * `distributing`: the next root is in the trust bundle and signs nothing yet. `retiring`: the next root signs, and the old
 * one is trusted as long as certificates of it may be in use.
 */
export type RotationPhase = "none" | "distributing" | "retiring";

/** A certificate that was issued and has not ended. */
export interface IssuedCertificate {
  /** `<namespace>/<workload>`. */
  readonly workload: string;
  /** Fingerprint of the root. */
  readonly root: string;
  /** When the last such certificate ends, milliseconds since 1970. */
  readonly notAfterMs: number;
}

/** A proxy that is connected. */
export interface TrustingProxy {
  readonly workload: string;
  /** It has acknowledged the trust bundle of now, or never had an older one. */
  readonly hasBundle: boolean;
}

/** What keeps a rotation from its next step. */
export interface Obstacle {
  readonly workload: string;
  readonly message: string;
}

/** Who keeps the next root from signing: whoever may still meet its certificates without trusting it. */
export function notTrustingYet(
  issued: readonly IssuedCertificate[],
  proxies: readonly TrustingProxy[],
): readonly Obstacle[] {
  const connected = new Set(proxies.map(({ workload }) => workload));
  const lagging = new Set(proxies.flatMap(({ workload, hasBundle }) => (hasBundle ? [] : [workload])));
  const away = new Map<string, number>();
  for (const { workload, notAfterMs } of issued)
    if (!connected.has(workload)) away.set(workload, Math.max(notAfterMs, away.get(workload) ?? 0));
  return [
    ...[...lagging].map((workload) => ({ workload, message: "has not acknowledged the new root yet" })),
    ...[...away].map(([workload, notAfterMs]) => ({
      workload,
      message: `is not connected, and has a certificate until ${new Date(notAfterMs).toISOString()}`,
    })),
  ].sort((a, b) => compareStrings(a.workload, b.workload));
}

/** Who keeps a root from being dropped: whoever has a certificate of it that is valid. */
export function stillUsing(issued: readonly IssuedCertificate[], root: string): readonly Obstacle[] {
  return issued
    .filter((certificate) => certificate.root === root)
    .map(({ workload, notAfterMs }) => ({
      workload,
      message: `has a certificate of it until ${new Date(notAfterMs).toISOString()}`,
    }))
    .sort((a, b) => compareStrings(a.workload, b.workload));
}
