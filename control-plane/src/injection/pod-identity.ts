import { POD_FILES } from "./identity-files.js";
import type { JsonObject } from "./json.js";
import { IDENTITY_VOLUME } from "./pod-names.js";

/** Where a pod's sidecar has its certificate from. */
export type PodIdentity =
  | {
      /** The kubelet makes a key, and has its certificate signed: Kubernetes 1.37 and newer. */
      readonly kind: "podCertificate";
      readonly signerName: string;
      /** ClusterTrustBundle with the roots of the mesh. */
      readonly trustBundle: string;
      /** Lifetime that is asked for. Absent: a day, the default of Kubernetes. */
      readonly maxExpirationSeconds?: number;
    }
  | {
      /** Older clusters: a token of the service account proves who the sidecar is, and its certificate comes over ADS. */
      readonly kind: "token";
      readonly audience: string;
      readonly expirationSeconds: number;
      /** ConfigMap with the roots of the mesh, in every namespace with pods. */
      readonly rootsConfigMap: string;
    };

/** What is there unless an operator says something else. */
export const DEFAULT_IDENTITY: PodIdentity = {
  kind: "podCertificate",
  signerName: "weft.mesh/workload",
  trustBundle: "weft.mesh:workload:roots",
};

/** Where the token is mounted, with identity `token`. */
export const TOKEN_FILE = `${POD_FILES.watchedDirectory}/token`;

const nameIn = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/**
 * The volume with the sidecar's identity. Nobody but the sidecar mounts it, so that its files may be read by any user:
 * asking for a group instead (`fsGroup`) would give all volumes of the user's pod to that group.
 * https://kubernetes.io/docs/concepts/storage/projected-volumes/
 */
export function identityVolume(identity: PodIdentity): JsonObject {
  return { name: IDENTITY_VOLUME, projected: { defaultMode: 0o444, sources: sourcesOf(identity) } };
}

function sourcesOf(identity: PodIdentity): readonly JsonObject[] {
  const roots = nameIn(POD_FILES.trustBundle);
  switch (identity.kind) {
    case "podCertificate": {
      const { signerName, trustBundle, maxExpirationSeconds } = identity;
      const certificate = {
        signerName,
        keyType: "ECDSAP256",
        credentialBundlePath: nameIn(POD_FILES.certificateChain),
        ...(maxExpirationSeconds === undefined ? {} : { maxExpirationSeconds }),
      };
      return [{ podCertificate: certificate }, { clusterTrustBundle: { name: trustBundle, path: roots } }];
    }
    case "token": {
      const { audience, expirationSeconds, rootsConfigMap } = identity;
      return [
        { serviceAccountToken: { audience, expirationSeconds, path: nameIn(TOKEN_FILE) } },
        { configMap: { name: rootsConfigMap, items: [{ key: roots, path: roots }] } },
      ];
    }
    default:
      return identity satisfies never;
  }
}
