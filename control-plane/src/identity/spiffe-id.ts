import assert from "node:assert/strict";
import { namespaceProblem, objectNameProblem, quote, trustDomainProblem } from "./names.js";
import type { Result } from "./result.js";

/** The identity of a service account, as every workload of it presents it. */
export interface SpiffeId {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** Longest SPIFFE id that implementations must take, in bytes. */
const MAX_LENGTH = 2048;
const FORM = /^spiffe:\/\/([^/]+)\/ns\/([^/]+)\/sa\/([^/]+)$/;

/** Why the parts make no SPIFFE id, or undefined when they do. */
export function spiffeIdProblem(id: SpiffeId): string | undefined {
  return (
    trustDomainProblem(id.trustDomain) ??
    namespaceProblem(id.namespace) ??
    objectNameProblem(id.serviceAccount, "service account")
  );
}

/** `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`; the parts must be valid (`spiffeIdProblem`). */
export function formatSpiffeId(id: SpiffeId): string {
  assert.equal(spiffeIdProblem(id), undefined);
  return `spiffe://${id.trustDomain}/ns/${id.namespace}/sa/${id.serviceAccount}`;
}

/** Reads a SPIFFE id of the form that `formatSpiffeId` writes. */
export function parseSpiffeId(text: string): Result<SpiffeId> {
  const parts = text.length <= MAX_LENGTH ? FORM.exec(text) : null;
  if (parts === null)
    return { ok: false, message: `${quote(text)} is not of the form spiffe://<trust domain>/ns/<namespace>/sa/<name>` };
  const [, trustDomain = "", namespace = "", serviceAccount = ""] = parts;
  const value = { trustDomain, namespace, serviceAccount };
  const problem = spiffeIdProblem(value);
  return problem === undefined ? { ok: true, value } : { ok: false, message: `${quote(text)}: ${problem}` };
}
