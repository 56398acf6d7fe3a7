import { quote } from "../names.js";
import type { RequestKey } from "../request-key.js";
import { SIGNER_NAME } from "./names.js";
import type { PodCertificateRequest } from "./pod-certificate-request.js";

/** What the API server knows of those whom a request names; undefined: there is none of that name. */
export interface Surroundings {
  readonly pod: RequestingPod | undefined;
  readonly serviceAccount: { readonly uid: string } | undefined;
  readonly node: { readonly uid: string } | undefined;
}

export interface RequestingPod {
  readonly uid: string;
  readonly serviceAccountName: string;
  /** Empty: not scheduled. */
  readonly nodeName: string;
  /** `status.phase`. */
  readonly phase: string;
  /** A static pod, for whose contents the kubelet alone answers. */
  readonly isMirror: boolean;
  /** Signers of its `podCertificate` volumes. */
  readonly signerNames: readonly string[];
}

export type Decision =
  | {
      readonly kind: "sign";
      readonly namespace: string;
      readonly serviceAccount: string;
      readonly workload: string;
      readonly uid: string;
    }
  /** For ever: the kubelet gives the pod no certificate any more. */
  | {
      readonly kind: "refuse";
      readonly condition: "Denied" | "Failed";
      readonly reason: string;
      readonly message: string;
    };

/**
 * Whether a request gets the identity that it asks for. The API server checks most of this when a kubelet creates the
 * request; others may be allowed to create requests too, and time goes on.
 */
export function decide(request: PodCertificateRequest, known: Surroundings, key: RequestKey): Decision {
  const { namespace, podName, podUid, serviceAccountName, nodeName } = request;
  const { pod, serviceAccount, node } = known;
  const who = `${namespace}/${podName}`;
  if (request.userAnnotations.length > 0)
    return deny(
      "InvalidUnverifiedUserAnnotations",
      `${SIGNER_NAME} takes no user annotations, but the request has ${request.userAnnotations.map(quote).join(", ")}: remove userAnnotations from the volume`,
    );
  if (pod === undefined) return deny("PodNotFound", `there is no pod ${who}`);
  if (pod.uid !== podUid)
    return deny("PodReplaced", `pod ${who} has uid ${quote(pod.uid)}, the request is for ${quote(podUid)}`);
  if (pod.isMirror) return deny("MirrorPod", `pod ${who} is a static pod, which has no service account`);
  if (pod.phase === "Succeeded" || pod.phase === "Failed")
    return deny("PodFinished", `pod ${who} has finished: its phase is ${pod.phase}`);
  if (!pod.signerNames.includes(SIGNER_NAME))
    return deny("NotRequestedByPod", `pod ${who} has no podCertificate volume with signerName ${SIGNER_NAME}`);
  if (pod.serviceAccountName !== serviceAccountName)
    return deny(
      "WrongServiceAccount",
      `pod ${who} has service account ${quote(pod.serviceAccountName)}, the request says ${quote(serviceAccountName)}`,
    );
  if (serviceAccount === undefined)
    return deny("ServiceAccountNotFound", `there is no service account ${namespace}/${serviceAccountName}`);
  if (serviceAccount.uid !== request.serviceAccountUid)
    return deny(
      "ServiceAccountReplaced",
      `service account ${namespace}/${serviceAccountName} has uid ${quote(serviceAccount.uid)}, the request is for ${quote(request.serviceAccountUid)}`,
    );
  if (pod.nodeName !== nodeName)
    return deny("WrongNode", `pod ${who} is on node ${quote(pod.nodeName)}, the request says ${quote(nodeName)}`);
  if (node === undefined) return deny("NodeNotFound", `there is no node ${quote(nodeName)}`);
  if (node.uid !== request.nodeUid)
    return deny(
      "NodeReplaced",
      `node ${quote(nodeName)} has uid ${quote(node.uid)}, the request is for ${quote(request.nodeUid)}`,
    );
  if (!key.ok && key.problem === "key-type")
    return deny("UnsupportedKeyType", `${key.message}: use keyType ECDSAP256 in the volume`);
  if (!key.ok) return { kind: "refuse", condition: "Failed", reason: "InvalidRequest", message: key.message };
  return { kind: "sign", namespace, serviceAccount: serviceAccountName, workload: podName, uid: podUid };
}

function deny(reason: string, message: string): Decision {
  return { kind: "refuse", condition: "Denied", reason, message };
}
