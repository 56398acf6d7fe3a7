import { lifeMs } from "./renewal-time.js";

/** A certificate as far as its end matters. Times in milliseconds since 1970. */
export interface DatedCertificate {
  readonly role: "leaf" | "intermediate" | "root";
  /** Whom it is for, for people. */
  readonly name: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface CertificateWarning {
  readonly severity: "error" | "warning";
  readonly certificate: string;
  readonly message: string;
  readonly hint: string;
}

/** With less than this part of its life left, a certificate should have been replaced. */
const LATE: Readonly<Record<DatedCertificate["role"], number>> = { leaf: 0.25, intermediate: 0.2, root: 0.1 };

const HINTS: Readonly<Record<DatedCertificate["role"], string>> = {
  leaf: "see whether its sidecar runs and reaches the control plane; its log says why the renewal fails",
  intermediate: "put root-key.pem of its root back for as long as it takes to run: weft identity rotate --intermediate",
  root: "run: weft identity rotate",
};

/** What is wrong with the ends of certificates, or soon will be, in their order. */
export function certificateWarnings(nowMs: number, chain: readonly DatedCertificate[]): CertificateWarning[] {
  return chain.flatMap(({ role, name, notBeforeMs, notAfterMs }): CertificateWarning[] => {
    const hint = HINTS[role];
    const told = (severity: CertificateWarning["severity"], message: string) => [
      { severity, certificate: name, message: `the ${role} certificate ${message}`, hint },
    ];
    if (notAfterMs <= nowMs) return told("error", `ended at ${new Date(notAfterMs).toISOString()}`);
    if (notBeforeMs > nowMs)
      return [
        {
          severity: "error",
          certificate: name,
          message: `the ${role} certificate begins only at ${new Date(notBeforeMs).toISOString()}`,
          hint: "see whether the clocks of the machines are right",
        },
      ];
    if (notAfterMs - nowMs >= LATE[role] * lifeMs({ notBeforeMs, notAfterMs })) return [];
    return told("warning", `ends at ${new Date(notAfterMs).toISOString()} and should have been replaced by now`);
  });
}
