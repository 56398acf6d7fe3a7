import type { CertificateWarning } from "@weft/control-plane/identity/certificate-warnings";
import type { IdentityReport, ReportedCertificate } from "@weft/control-plane/identity/identity-report";
import { formatTable, plainText } from "../workbench/print.js";

const HEAD = ["CERTIFICATE", "STATE", "FINGERPRINT", "ENDS", "LEFT", "NAME"];

/** What a control plane knows of certificates, as tables. */
export function identityText(report: IdentityReport, nowMs: number): string {
  const { rotation, authorities, controlPlane, workloads } = report;
  const rows = [
    ...authorities.map((certificate) => row(certificate, nowMs)),
    ...controlPlane.slice(0, 1).map((certificate) => row({ ...certificate, name: "the control plane" }, nowMs)),
  ];
  const ends = workloads.map(({ workload, root, notAfterMs, isConnected }) => [
    plainText(workload),
    isConnected ? "connected" : "away",
    shortFingerprint(root),
    new Date(notAfterMs).toISOString(),
    left(notAfterMs, nowMs),
  ]);
  return [
    `trust domain ${report.trustDomain}, ${rotationText(rotation.phase)}`,
    ...rotation.obstacles.map(({ workload, message }) => `  waits: ${plainText(workload)} ${plainText(message)}`),
    "",
    ...formatTable([HEAD, ...rows], ""),
    ...(ends.length === 0 ? [] : ["", ...formatTable([["WORKLOAD", "PROXY", "ROOT", "ENDS", "LEFT"], ...ends], "")]),
    ...warningsText(report.warnings),
  ].join("\n");
}

/** A chain as it is in a file. */
export function chainText(chain: readonly ReportedCertificate[], nowMs: number): readonly string[] {
  return formatTable([HEAD, ...chain.map((certificate) => row(certificate, nowMs))], "");
}

export function warningsText(warnings: readonly CertificateWarning[]): readonly string[] {
  if (warnings.length === 0) return [];
  return [
    "",
    ...warnings.flatMap(({ severity, certificate, message, hint }) => [
      `${severity}: ${plainText(certificate)}: ${plainText(message)}`,
      `  fix: ${plainText(hint)}`,
    ]),
  ];
}

function rotationText(phase: IdentityReport["rotation"]["phase"]): string {
  switch (phase) {
    case "none":
      return "no rotation under way";
    case "distributing":
      return "a new root is being given to the proxies";
    case "retiring":
      return "the new root signs, the old one is trusted until its last certificate has ended";
    default:
      return phase satisfies never;
  }
}

function row(certificate: ReportedCertificate, nowMs: number): string[] {
  const { role, name, fingerprint, notAfterMs, state = "-", hasKey } = certificate;
  const place = role !== "root" || hasKey !== false ? state : `${state}, key elsewhere`;
  return [
    role,
    place,
    shortFingerprint(fingerprint),
    new Date(notAfterMs).toISOString(),
    left(notAfterMs, nowMs),
    plainText(name),
  ];
}

function shortFingerprint(fingerprint: string): string {
  return fingerprint.slice(0, 12);
}

/** `12s`, `3m`, `5h`, `40d`; `ended`. */
function left(notAfterMs: number, nowMs: number): string {
  const seconds = Math.floor((notAfterMs - nowMs) / 1000);
  if (seconds <= 0) return "ended";
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
