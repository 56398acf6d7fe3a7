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
