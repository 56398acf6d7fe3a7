import { certificateValidity } from "../certificate-request.js";
import { renewalTime } from "../renewal-time.js";
import type { Decision } from "./decision.js";

/** Conditions by which a request has its answer. */
export const CERTIFICATE_ANSWERS = ["Issued", "Denied", "Failed"] as const;
export type CertificateAnswer = (typeof CERTIFICATE_ANSWERS)[number];

/** `status` of a PodCertificateRequest that has its answer. */
export interface RequestStatus {
  readonly conditions: readonly [
    {
      readonly type: CertificateAnswer;
      readonly status: "True";
      readonly reason: string;
      readonly message: string;
      readonly lastTransitionTime: string;
    },
  ];
  readonly certificateChain?: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly beginRefreshAt?: string;
}

/** The API server takes no certificate that lives shorter. */
export const MIN_LIFE_MS = 60 * 60 * 1000;

/** A certificate for the pod. `chance`, 0 to 1: when in the middle of its life the kubelet begins to ask for the next one. */
export function issuedStatus(chainPem: string, nowMs: number, chance: number): RequestStatus {
  const validity = certificateValidity(chainPem);
  return {
    conditions: [condition("Issued", "Signed", "signed by the authority of the mesh", nowMs)],
    certificateChain: chainPem,
    // As they are in the leaf, to the second.
    notBefore: timeText(validity.notBeforeMs),
    notAfter: timeText(validity.notAfterMs),
    beginRefreshAt: timeText(renewalTime(validity, chance)),
  };
}

export function refusedStatus(refusal: Extract<Decision, { readonly kind: "refuse" }>, nowMs: number): RequestStatus {
  return { conditions: [condition(refusal.condition, refusal.reason, refusal.message, nowMs)] };
}

function condition(type: CertificateAnswer, reason: string, message: string, nowMs: number) {
  return { type, status: "True", reason, message, lastTransitionTime: timeText(nowMs) } as const;
}

/** The form of Kubernetes' times: to the second, as in certificates. */
function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
