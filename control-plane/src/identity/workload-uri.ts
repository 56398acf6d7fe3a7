import assert from "node:assert/strict";
import { namespaceProblem, objectNameProblem, quote, trustDomainProblem } from "./names.js";
import type { Result } from "./result.js";

/** Names one workload instance. It stands in a certificate beside the SPIFFE id, which several instances share. */
export interface WorkloadUri {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly workload: string;
}

const MAX_LENGTH = 2048;
const FORM = /^weft:\/\/([^/]+)\/ns\/([^/]+)\/workload\/([^/]+)$/;

/** Why the parts make no workload URI, or undefined when they do. */
export function workloadUriProblem(uri: WorkloadUri): string | undefined {
  return (
    trustDomainProblem(uri.trustDomain) ??
    namespaceProblem(uri.namespace) ??
    objectNameProblem(uri.workload, "workload name")
  );
}

/** `weft://<trust domain>/ns/<namespace>/workload/<name>`; the parts must be valid (`workloadUriProblem`). */
export function formatWorkloadUri(uri: WorkloadUri): string {
  assert.equal(workloadUriProblem(uri), undefined);
  return `weft://${uri.trustDomain}/ns/${uri.namespace}/workload/${uri.workload}`;
}

/** Reads a URI of the form that `formatWorkloadUri` writes. */
export function parseWorkloadUri(text: string): Result<WorkloadUri> {
  const parts = text.length <= MAX_LENGTH ? FORM.exec(text) : null;
  if (parts === null)
    return {
      ok: false,
      message: `${quote(text)} is not of the form weft://<trust domain>/ns/<namespace>/workload/<name>`,
    };
  const [, trustDomain = "", namespace = "", workload = ""] = parts;
  const value = { trustDomain, namespace, workload };
  const problem = workloadUriProblem(value);
  return problem === undefined ? { ok: true, value } : { ok: false, message: `${quote(text)}: ${problem}` };
}
