/* What is put into a pod goes by these names. The source knows a sidecar by the first two. */

export { SIDECAR_CONTAINER as PROXY_CONTAINER, SIDECAR_STATUS_ANNOTATION as STATUS_ANNOTATION } from "../decode/pod.js";

/** Writes the iptables rules, and ends. */
export const INIT_CONTAINER = "weft-init";

/** Projected: the sidecar's certificate and key, and the roots that it trusts. */
export const IDENTITY_VOLUME = "weft-identity";
/** Files of the file SDS, out of two annotations. */
export const SECRETS_VOLUME = "weft-sds";

export const SDS_CERTIFICATE_ANNOTATION = "weft.mesh/sds-certificate";
export const SDS_TRUST_ANNOTATION = "weft.mesh/sds-trust";

/** Image of the sidecar where nothing else is said. */
export const DEFAULT_PROXY_IMAGE = "envoyproxy/envoy:v1.40.0";
