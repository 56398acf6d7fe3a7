import type { CertificateAuthority } from "../control-plane/src/identity/certificate-authority.js";
import { isSignedBy } from "../control-plane/src/identity/pem.js";
import { signWorkload } from "../control-plane/src/identity/sign.js";
import type { WorkloadSigner } from "../control-plane/src/identity/sign-folder.js";

/** Signs with one authority that stays as it is. */
export function signerOf(ca: CertificateAuthority): WorkloadSigner {
  return {
    trustDomain: ca.trustDomain,
    trustBundle: ca.rootPem,
    isCurrent: (chainPem) => isSignedBy(chainPem, ca.intermediatePem),
    signWorkload: (csrPem, workload) => signWorkload(ca, csrPem, workload),
  };
}
