import type { SigningKey, VerificationKey } from "./key.js";

/** https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md */
export const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
/** What a statement says that is a signature, as opposed to a claim of where something was built. */
export const SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1";
const IN_TOTO = "application/vnd.in-toto+json";
const STATEMENT = "https://in-toto.io/Statement/v1";

/** A bundle that signs the manifest with this digest. */
export function makeBundle(manifestDigest: string, key: SigningKey): Uint8Array {
  const [algorithm = "", hex = ""] = manifestDigest.split(":");
  const statement = {
    _type: STATEMENT,
    subject: [{ digest: { [algorithm]: hex } }],
    predicateType: SIGN_PREDICATE,
    predicate: {},
  };
  const payload = Buffer.from(JSON.stringify(statement));
  const signature = key.sign(preAuthEncoding(IN_TOTO, payload));
  const bundle = {
    mediaType: BUNDLE_TYPE,
    verificationMaterial: { publicKey: { hint: key.publicKey.hint } },
    dsseEnvelope: {
      payload: payload.toString("base64"),
      payloadType: IN_TOTO,
      signatures: [{ sig: Buffer.from(signature).toString("base64") }],
    },
  };
  return Buffer.from(JSON.stringify(bundle));
}

/** Why a bundle does not sign the manifest with one of the keys; undefined when it does, with the key in `key`. */
export type BundleCheck =
  | { readonly ok: true; readonly key: VerificationKey }
  | { readonly ok: false; readonly problem: string };

export function checkBundle(bytes: Uint8Array, manifestDigest: string, keys: readonly VerificationKey[]): BundleCheck {
  const bundle = parse(bytes);
  const envelope = record(record(bundle)?.dsseEnvelope);
  const signatures = Array.isArray(envelope?.signatures) ? envelope.signatures : [];
  const { payload, payloadType } = envelope ?? {};
  const signature = record(signatures[0])?.sig;
  if (typeof payload !== "string" || typeof payloadType !== "string" || typeof signature !== "string")
    return { ok: false, problem: "a bundle has no signed envelope" };
  // A second signature would be of somebody whom nobody asked for.
  if (signatures.length !== 1) return { ok: false, problem: "a bundle has not exactly one signature" };
  const body = Buffer.from(payload, "base64");
  const signed = preAuthEncoding(payloadType, body);
  const key = keys.find((candidate) => candidate.verify(signed, Buffer.from(signature, "base64")));
  if (key === undefined) return { ok: false, problem: `it is signed by another key${hintOf(bundle)}` };
  const problem = statementProblem(payloadType, body, manifestDigest);
  return problem === undefined ? { ok: true, key } : { ok: false, problem };
}

/** What was signed is trusted by now; what it says must be that this very manifest is signed. */
function statementProblem(payloadType: string, body: Uint8Array, manifestDigest: string): string | undefined {
  if (payloadType !== IN_TOTO) return `a signed ${payloadType} is no statement`;
  const statement = record(parse(body));
  if (statement?.predicateType !== SIGN_PREDICATE)
    return `a statement of type ${JSON.stringify(statement?.predicateType)} is no signature`;
  const [algorithm = "", hex] = manifestDigest.split(":");
  const subjects = Array.isArray(statement.subject) ? statement.subject : [];
  const isAbout = subjects.some((subject) => record(record(subject)?.digest)?.[algorithm] === hex);
  return isAbout ? undefined : "it signs another image";
}

/** https://github.com/secure-systems-lab/dsse/blob/master/protocol.md#signature-definition */
export function preAuthEncoding(type: string, body: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.byteLength} `;
  return Buffer.concat([Buffer.from(head), body]);
}

function hintOf(bundle: unknown): string {
  const hint = record(record(record(bundle)?.verificationMaterial)?.publicKey)?.hint;
  return typeof hint === "string" && /^[A-Za-z0-9+/=_-]{1,100}$/.test(hint) ? ` (hint ${hint})` : "";
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
