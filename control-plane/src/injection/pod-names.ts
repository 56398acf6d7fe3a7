/* What is put into a pod goes by these names. */

/** The sidecar: an init container that stays (`restartPolicy: Always`). */
export const PROXY_CONTAINER = "weft-proxy";
/** Writes the iptables rules, and ends. */
export const INIT_CONTAINER = "weft-init";

/** Projected: the sidecar's certificate and key, and the roots that it trusts. */
export const IDENTITY_VOLUME = "weft-identity";
/** Files of the file SDS, out of two annotations. */
export const SECRETS_VOLUME = "weft-sds";

/** Annotation: JSON that says what was injected. A pod that has it, and the containers, is left as it is. */
export const STATUS_ANNOTATION = "weft.mesh/status";
export const SDS_CERTIFICATE_ANNOTATION = "weft.mesh/sds-certificate";
export const SDS_TRUST_ANNOTATION = "weft.mesh/sds-trust";

/** Image of the sidecar where nothing else is said. */
export const DEFAULT_PROXY_IMAGE = "envoyproxy/envoy:v1.40.0";
