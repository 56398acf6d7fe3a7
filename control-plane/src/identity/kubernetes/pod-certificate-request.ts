import type { Result } from "../result.js";
import { CERTIFICATE_ANSWERS } from "./answer.js";

/** A PodCertificateRequest (`certificates.k8s.io/v1`) as far as a signer looks at it. Nothing of it is proven. */
export interface PodCertificateRequest {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly signerName: string;
  readonly podName: string;
  readonly podUid: string;
  readonly serviceAccountName: string;
  readonly serviceAccountUid: string;
  readonly nodeName: string;
  readonly nodeUid: string;
  readonly maxExpirationMs: number;
  /** PKCS#10, DER. */
  readonly request: Uint8Array;
  /** Keys of `spec.unverifiedUserAnnotations`. */
  readonly userAnnotations: readonly string[];
  /** It was issued, denied or has failed; nothing of its status can be changed any more. */
  readonly isAnswered: boolean;
}

/** Kubernetes' own default of `spec.maxExpirationSeconds`. */
const DEFAULT_MAX_EXPIRATION_S = 86_400;
const ANSWERS: ReadonlySet<unknown> = new Set(CERTIFICATE_ANSWERS);

type Fields = Readonly<Record<string, unknown>>;

/** Reads an object of the API server. */
export function readPodCertificateRequest(object: unknown): Result<PodCertificateRequest> {
  const { metadata, spec, status } = fieldsOf(object);
  const { namespace, name, uid } = fieldsOf(metadata);
  const fields = fieldsOf(spec);
  const texts = {
    namespace,
    name,
    uid,
    signerName: fields.signerName,
    podName: fields.podName,
    podUid: fields.podUID,
    serviceAccountName: fields.serviceAccountName,
    serviceAccountUid: fields.serviceAccountUID,
    nodeName: fields.nodeName,
    nodeUid: fields.nodeUID,
  };
  const missing = Object.entries(texts).find(([, text]) => typeof text !== "string" || text === "")?.[0];
  if (missing !== undefined) return { ok: false, message: `the PodCertificateRequest has no ${missing}` };
  const { maxExpirationSeconds = DEFAULT_MAX_EXPIRATION_S, stubPKCS10Request, unverifiedUserAnnotations } = fields;
  const { conditions } = fieldsOf(status);
  return {
    ok: true,
    value: {
      ...(texts as Readonly<Record<keyof typeof texts, string>>),
      maxExpirationMs: Number(maxExpirationSeconds) * 1000,
      request: Buffer.from(typeof stubPKCS10Request === "string" ? stubPKCS10Request : "", "base64"),
      userAnnotations: Object.keys(fieldsOf(unverifiedUserAnnotations)).sort(),
      isAnswered: Array.isArray(conditions) && conditions.some((condition) => ANSWERS.has(fieldsOf(condition).type)),
    },
  };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}
