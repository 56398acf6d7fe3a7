import assert from "node:assert/strict";
import { namespaceProblem, objectNameProblem, quote, trustDomainProblem } from "./names.js";
import type { Result } from "./result.js";

/** Names one workload instance. It stands in a certificate beside the SPIFFE id, which several instances share. */
export interface WorkloadUri {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly workload: string;
  /** Of a Pod: its uid, which no later pod of the same name has. */
  readonly uid?: string;
}

const MAX_LENGTH = 2048;
const FORM = /^weft:\/\/([^/]+)\/ns\/([^/]+)\/workload\/([^/]+?)(?:\/uid\/([^/]+))?$/;
const UID = /^[0-9A-Za-z][0-9A-Za-z-]{0,127}$/;

/** Why the parts make no workload URI, or undefined when they do. */
export function workloadUriProblem(uri: WorkloadUri): string | undefined {
  return (
    trustDomainProblem(uri.trustDomain) ??
    namespaceProblem(uri.namespace) ??
    objectNameProblem(uri.workload, "workload name") ??
    uidProblem(uri.uid)
  );
}

function uidProblem(uid: string | undefined): string | undefined {
  if (uid === undefined || UID.test(uid)) return undefined;
  return `uid ${quote(uid)} must be up to 128 letters, digits and "-", and begin with a letter or digit`;
}

/**
 * `weft://<trust domain>/ns/<namespace>/workload/<name>`, and for a Pod `/uid/<uid>` after it; the parts must be valid
 * (`workloadUriProblem`).
 */
export function formatWorkloadUri(uri: WorkloadUri): string {
  assert.equal(workloadUriProblem(uri), undefined);
  const name = `weft://${uri.trustDomain}/ns/${uri.namespace}/workload/${uri.workload}`;
  return uri.uid === undefined ? name : `${name}/uid/${uri.uid}`;
}

/** Reads a URI of the form that `formatWorkloadUri` writes. */
export function parseWorkloadUri(text: string): Result<WorkloadUri> {
  const parts = text.length <= MAX_LENGTH ? FORM.exec(text) : null;
  if (parts === null)
    return {
      ok: false,
      message: `${quote(text)} is not of the form weft://<trust domain>/ns/<namespace>/workload/<name>[/uid/<uid>]`,
    };
  const [, trustDomain = "", namespace = "", workload = "", uid] = parts;
  const value = { trustDomain, namespace, workload, ...(uid === undefined ? {} : { uid }) };
  const problem = workloadUriProblem(value);
  return problem === undefined ? { ok: true, value } : { ok: false, message: `${quote(text)}: ${problem}` };
}
