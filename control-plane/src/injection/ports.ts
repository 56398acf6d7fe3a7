/** Ports of a sidecar, as outside tools know them; those for traffic come from the control plane. */
export const ADMIN_PORT = 15000;
export const HEALTH_PORT = 15021;
export const METRICS_PORT = 15090;
/** For the control plane alone: how the proxy fares with a new version of a plugin. */
export const ROLLOUT_HEALTH_PORT = 15092;
export const ROLLOUT_HEALTH_PATH = "/rollout-health";

/** Cluster of the bootstrap: the sidecar's own admin API. */
export const ADMIN_CLUSTER = "admin";
/** Cluster of the bootstrap: the control plane. */
export const XDS_CLUSTER = "xds";
