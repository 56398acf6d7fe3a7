/** Whom pods ask for certificates of the mesh: `signerName` of their `podCertificate` volumes. */
export const SIGNER_NAME = "weft.mesh/workload";

/** The ClusterTrustBundle with the roots of the mesh. It begins with the signer's name, as the API server wants it. */
export const TRUST_BUNDLE_NAME = "weft.mesh:workload:roots";

/** Secret with the authority that is to sign, in the form of cert-manager. Ours when we made it, else the user's. */
export const CA_SECRET = "weft-ca";

/** Secret with the roots in force and the one that comes or goes. Ours alone. */
export const GENERATIONS_SECRET = "weft-ca-generations";

/** Secret with certificate and path token of the webhooks. Ours alone. */
export const WEBHOOK_SECRET = "weft-webhook";

/** The Service of the control plane, by all names that clients in the cluster may use. */
export function controlPlaneDnsNames(namespace: string): readonly string[] {
  const name = `weft-control-plane.${namespace}`;
  return [name, `${name}.svc`, `${name}.svc.cluster.local`];
}
