import { describe, expect, it } from "vitest";
import type { RequestKey } from "../request-key.js";
import { PublicKey } from "../x509.js";
import { decide, type RequestingPod, type Surroundings } from "./decision.js";
import { type PodCertificateRequest, readPodCertificateRequest } from "./pod-certificate-request.js";

const SPEC = {
  signerName: "weft.mesh/workload",
  podName: "web-1",
  podUID: "pod-uid",
  serviceAccountName: "web",
  serviceAccountUID: "account-uid",
  nodeName: "node1",
  nodeUID: "node-uid",
  maxExpirationSeconds: 3600,
  stubPKCS10Request: "AAEC",
};
const OBJECT = { metadata: { namespace: "shop", name: "req-1", uid: "request-uid" }, spec: SPEC };

function requestOf(spec: object = {}, more: object = {}): PodCertificateRequest {
  const read = readPodCertificateRequest({ ...OBJECT, ...more, spec: { ...SPEC, ...spec } });
  if (!read.ok) throw new Error(read.message);
  return read.value;
}

describe("readPodCertificateRequest", () => {
  it("reads what a signer looks at", () => {
    expect(requestOf()).toEqual({
      namespace: "shop",
      name: "req-1",
      uid: "request-uid",
      signerName: "weft.mesh/workload",
      podName: "web-1",
      podUid: "pod-uid",
      serviceAccountName: "web",
      serviceAccountUid: "account-uid",
      nodeName: "node1",
      nodeUid: "node-uid",
      maxExpirationMs: 3_600_000,
      request: Buffer.from([0, 1, 2]),
      userAnnotations: [],
      isAnswered: false,
    });
  });

  it.each([
    ["Issued", true],
    ["Denied", true],
    ["Failed", true],
    ["Other", false],
  ])("knows by the condition %s that it is answered: %s", (type, expected) => {
    expect(requestOf({}, { status: { conditions: [{ type, status: "True" }] } }).isAnswered).toBe(expected);
  });

  it.each([[undefined], [null], [{}], [{ metadata: OBJECT.metadata }], [{ ...OBJECT, spec: { ...SPEC, podUID: 1 } }]])(
    "refuses %j",
    (object) => {
      expect(readPodCertificateRequest(object)).toEqual({ ok: false, message: expect.stringContaining("has no") });
    },
  );
});

const POD: RequestingPod = {
  uid: "pod-uid",
  serviceAccountName: "web",
  nodeName: "node1",
  phase: "Running",
  isMirror: false,
  signerNames: ["weft.mesh/workload"],
};
const KNOWN: Surroundings = { pod: POD, serviceAccount: { uid: "account-uid" }, node: { uid: "node-uid" } };
const KEY: RequestKey = { ok: true, publicKey: PublicKey.prototype };

describe("decide", () => {
  it("signs for the pod that asks, by the names that the API server knows", () => {
    const expected = { kind: "sign", namespace: "shop", serviceAccount: "web", workload: "web-1", uid: "pod-uid" };
    expect(decide(requestOf(), KNOWN, KEY)).toEqual(expected);
    expect(decide(requestOf(), { ...KNOWN, pod: { ...POD, phase: "Pending" } }, KEY)).toEqual(expected);
  });

  const pod = (change: Partial<RequestingPod>): Surroundings => ({ ...KNOWN, pod: { ...POD, ...change } });
  it.each<[string, string, Surroundings, object?]>([
    ["a pod that is gone", "PodNotFound", { ...KNOWN, pod: undefined }],
    ["another pod's identity", "PodNotFound", { ...KNOWN, pod: undefined }, { podName: "db-0" }],
    ["the pod that had this name before", "PodReplaced", pod({ uid: "later" })],
    ["a static pod", "MirrorPod", pod({ isMirror: true })],
    ["a pod that has finished", "PodFinished", pod({ phase: "Succeeded" })],
    ["a pod that has failed", "PodFinished", pod({ phase: "Failed" })],
    ["a pod that does not ask for it", "NotRequestedByPod", pod({ signerNames: ["example.com/other"] })],
    ["another service account than the pod's", "WrongServiceAccount", KNOWN, { serviceAccountName: "admin" }],
    ["a service account that is gone", "ServiceAccountNotFound", { ...KNOWN, serviceAccount: undefined }],
    ["a service account that was replaced", "ServiceAccountReplaced", { ...KNOWN, serviceAccount: { uid: "later" } }],
    ["a node that lies", "WrongNode", KNOWN, { nodeName: "node2" }],
    ["a pod without a node", "WrongNode", pod({ nodeName: "" })],
    ["a node that is gone", "NodeNotFound", { ...KNOWN, node: undefined }],
    ["a node that was replaced", "NodeReplaced", { ...KNOWN, node: { uid: "later" } }],
    [
      "user annotations, which would be ignored",
      "InvalidUnverifiedUserAnnotations",
      KNOWN,
      { unverifiedUserAnnotations: { "example.com/a": "b" } },
    ],
  ])("denies %s: %s", (_what, reason, known, spec = {}) => {
    expect(decide(requestOf(spec), known, KEY)).toEqual({
      kind: "refuse",
      condition: "Denied",
      reason,
      message: expect.stringMatching(/./),
    });
  });

  it("names a kind of key that would do", () => {
    const key: RequestKey = { ok: false, problem: "key-type", message: "the request's key is P-384" };
    expect(decide(requestOf(), KNOWN, key)).toEqual({
      kind: "refuse",
      condition: "Denied",
      reason: "UnsupportedKeyType",
      message: "the request's key is P-384: use keyType ECDSAP256 in the volume",
    });
  });

  it("fails what cannot be read", () => {
    const key: RequestKey = { ok: false, problem: "request", message: "the request is no request" };
    expect(decide(requestOf(), KNOWN, key)).toEqual({
      kind: "refuse",
      condition: "Failed",
      reason: "InvalidRequest",
      message: "the request is no request",
    });
  });
});
