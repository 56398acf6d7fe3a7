import { isObject } from "../decode/fields.js";
import { type Diagnostic, formatDiagnostic } from "../model/diagnostic.js";
import type { JsonObject } from "./json.js";
import type { JsonPatchOperation } from "./json-patch.js";

/**
 * What the API server asks, as far as we look at it.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request
 */
export interface AdmissionRequest {
  readonly uid: string;
  readonly namespace: string;
  readonly operation: string;
  readonly object: JsonObject;
  /** Of an update: what was there before. */
  readonly oldObject?: JsonObject;
}

export type ParsedReview =
  | { readonly ok: true; readonly request: AdmissionRequest }
  /** Why it is none, for whoever sent it. */
  | { readonly ok: false; readonly message: string };

export type AdmissionAnswer =
  | {
      readonly allowed: true;
      readonly warnings: readonly Diagnostic[];
      readonly patch?: readonly JsonPatchOperation[];
    }
  | { readonly allowed: false; readonly diagnostics: readonly Diagnostic[] };

const API_VERSION = "admission.k8s.io/v1";
const KIND = "AdmissionReview";

/** Reads an AdmissionReview; never throws. */
export function parseReview(text: string): ParsedReview {
  const wrong = (message: string): ParsedReview => ({ ok: false, message });
  let review: unknown;
  try {
    review = JSON.parse(text);
  } catch {
    return wrong("the body is no JSON");
  }
  if (!isObject(review) || review.kind !== KIND || review.apiVersion !== API_VERSION)
    return wrong(`the body is no ${KIND} of ${API_VERSION}`);
  const { request } = review;
  if (!isObject(request)) return wrong("request is no object");
  const { uid, namespace = "", operation, object, oldObject } = request;
  if (typeof uid !== "string" || uid === "" || uid.length > 256) return wrong("request.uid is no short string");
  if (typeof namespace !== "string") return wrong("request.namespace is no string");
  if (operation !== "CREATE" && operation !== "UPDATE")
    return wrong("request.operation is neither CREATE nor UPDATE, and nothing else was asked for");
  if (!isObject(object)) return wrong("request.object is no object");
  return {
    ok: true,
    request: {
      ...{ uid, namespace, operation, object: object as JsonObject },
      ...(isObject(oldObject) ? { oldObject: oldObject as JsonObject } : {}),
    },
  };
}

/** The API server cuts what is longer, and drops warnings beyond 4,096 characters in all. */
const MAX_WARNING = 256;
const MAX_WARNINGS = 16;
const MAX_REASONS = 20;

/** The answer as an AdmissionReview. */
export function reviewOf({ uid }: AdmissionRequest, answer: AdmissionAnswer): JsonObject {
  return { apiVersion: API_VERSION, kind: KIND, response: { uid, ...responseOf(answer) } };
}

function responseOf(answer: AdmissionAnswer): JsonObject {
  if (!answer.allowed) {
    const message = answer.diagnostics.slice(0, MAX_REASONS).map(formatDiagnostic).join("\n");
    return { allowed: false, status: { status: "Failure", code: 422, reason: "Invalid", message } };
  }
  const warnings = answer.warnings.slice(0, MAX_WARNINGS).map((warning) => {
    // A warning travels in a header.
    const text = formatDiagnostic(warning).replace(/\p{Cc}+/gu, " ");
    return text.length > MAX_WARNING ? `${text.slice(0, MAX_WARNING - 1)}…` : text;
  });
  const { patch = [] } = answer;
  return {
    allowed: true,
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(patch.length === 0
      ? {}
      : { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") }),
  };
}
