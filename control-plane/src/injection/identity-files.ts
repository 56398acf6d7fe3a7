import { WORKLOAD_FILES } from "../identity/workload-folder.js";
import type { IdentityFiles } from "../model/mesh-settings.js";

/** Files of a sidecar's identity and of what it trusts, as the sidecar names them. */
export interface SidecarFiles extends IdentityFiles {
  /** PEM of the roots. */
  readonly trustBundle: string;
  /** File SDS: where Envoy finds the names of its own certificate and key. */
  readonly certificateSecret: string;
  /** File SDS: where Envoy finds the name of the trust bundle. */
  readonly trustSecret: string;
}

/** Standalone, relative to the workload's folder, in which its Envoy runs: so secrets that name them are shared. */
export const STANDALONE_FILES: SidecarFiles = {
  certificateChain: WORKLOAD_FILES.certificateChain,
  privateKey: WORKLOAD_FILES.privateKey,
  trustBundle: WORKLOAD_FILES.trustBundle,
  watchedDirectory: WORKLOAD_FILES.directory,
  certificateSecret: `${WORKLOAD_FILES.directory}/sds-certificate.json`,
  trustSecret: `${WORKLOAD_FILES.directory}/sds-trust.json`,
};

/** Where the two volumes of a pod's sidecar are mounted. */
export const POD_DIRECTORIES = { identity: "/var/run/weft/identity", secrets: "/var/run/weft/sds" } as const;

/**
 * In a pod. The kubelet writes the private key and the chain into one file, and renames a new one into the directory's
 * link; the two files of the file SDS come from annotations of the pod.
 */
export const POD_FILES: SidecarFiles = {
  certificateChain: `${POD_DIRECTORIES.identity}/bundle.pem`,
  privateKey: `${POD_DIRECTORIES.identity}/bundle.pem`,
  trustBundle: `${POD_DIRECTORIES.identity}/roots.pem`,
  watchedDirectory: POD_DIRECTORIES.identity,
  certificateSecret: `${POD_DIRECTORIES.secrets}/certificate.json`,
  trustSecret: `${POD_DIRECTORIES.secrets}/trust.json`,
};
