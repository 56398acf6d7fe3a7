import { splitCertificates } from "../pem.js";
import type { ApiObject, ApiServer } from "./api-server.js";
import { SIGNER_NAME, TRUST_BUNDLE_NAME } from "./names.js";

const PATH = "/apis/certificates.k8s.io/v1/clustertrustbundles";
const MAX_ATTEMPTS = 5;

/** Makes the ClusterTrustBundle of the mesh hold these roots and no others. @returns whether it had to be written */
export async function publishTrustBundle(api: ApiServer, rootsPem: string): Promise<boolean> {
  const spec = { signerName: SIGNER_NAME, trustBundle: rootsPem };
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const found = await api.read(`${PATH}/${TRUST_BUNDLE_NAME}`);
    if (found === undefined) {
      const object = {
        apiVersion: "certificates.k8s.io/v1",
        kind: "ClusterTrustBundle",
        metadata: { name: TRUST_BUNDLE_NAME },
        spec,
      };
      if ((await api.create(PATH, object)) !== undefined) return true;
    } else {
      if (isSame(found, rootsPem)) return false;
      if ((await api.replace(`${PATH}/${TRUST_BUNDLE_NAME}`, { ...found, spec })) !== undefined) return true;
    }
  }
  throw new Error(`ClusterTrustBundle ${TRUST_BUNDLE_NAME} changes faster than it can be written: who else writes it?`);
}

/** In whatever order. */
function isSame({ spec }: ApiObject, rootsPem: string): boolean {
  const { trustBundle = "" } = (spec ?? {}) as { readonly trustBundle?: string };
  const sorted = (pem: string) =>
    splitCertificates(pem)
      .map((certificate) => certificate.trim())
      .sort()
      .join("\n");
  return sorted(trustBundle) === sorted(rootsPem);
}
