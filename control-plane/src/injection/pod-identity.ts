import { SIGNER_NAME } from "../identity/kubernetes/names.js";
import { POD_FILES } from "./identity-files.js";
import type { JsonObject } from "./json.js";
import { IDENTITY_VOLUME } from "./pod-names.js";

const nameIn = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/**
 * The volume with the sidecar's identity: the kubelet makes a key, has its certificate signed, and renews both. Nobody but
 * the sidecar mounts it, so that its files may be read by any user: asking for a group instead (`fsGroup`) would give all
 * volumes of the user's pod to that group. https://kubernetes.io/docs/concepts/storage/projected-volumes/
 */
export function identityVolume(): JsonObject {
  const podCertificate = {
    signerName: SIGNER_NAME,
    keyType: "ECDSAP256",
    credentialBundlePath: nameIn(POD_FILES.certificateChain),
  };
  // Not by its name: of a bundle with a signer, the kubelet of 1.37 gives for minutes what it once had under that name.
  const clusterTrustBundle = { signerName: SIGNER_NAME, labelSelector: {}, path: nameIn(POD_FILES.trustBundle) };
  return {
    name: IDENTITY_VOLUME,
    projected: { defaultMode: 0o444, sources: [{ podCertificate }, { clusterTrustBundle }] },
  };
}
