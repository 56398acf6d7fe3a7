import { type AppProbe, appProbePath } from "./app-probe.js";
import { DRAIN_PORT, PROBE_PORT } from "./interception-options.js";
import type { JsonObject } from "./json.js";
import { DRAIN_PATH, KUBELET_HEADER, type KubeletAccess } from "./kubelet-access.js";
import { ADMIN_CLUSTER } from "./ports.js";
import { probeClusterName } from "./probe-clusters.js";
import { buildStaticListener } from "./static-listener.js";

const LUA = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua";
const HEALTH_CHECK = "type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck";

/**
 * Tells callers with each response that their connection ends, and takes connections all the same: those that come
 * before every caller knows that the pod goes are served too. What the app calls goes on as it was.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/operations/admin#post--drain_listeners
 */
const DRAIN = "/drain_listeners?inboundonly&graceful&skip_exit";

/** The kubelet can only GET, and the admin API drains by POST. */
const AS_POST = "function envoy_on_request(handle) handle:headers():replace(':method', 'POST') end";

/** What the kubelet asks the sidecar: for the app's probes and hooks, and to drain. */
export function buildKubeletListeners(address: string, access: KubeletAccess): readonly JsonObject[] {
  const { token, probes } = access;
  const drain: JsonObject = {
    match: { path: DRAIN_PATH, headers: [hasToken(token)] },
    route: { cluster: ADMIN_CLUSTER, prefix_rewrite: DRAIN },
    request_headers_to_remove: [KUBELET_HEADER],
  };
  const asPost: JsonObject = {
    name: "envoy.filters.http.lua",
    typed_config: { "@type": LUA, default_source_code: { inline_string: AS_POST } },
  };
  return [
    buildStaticListener({ name: "drain", address, port: DRAIN_PORT, routes: [drain], filters: [asPost] }),
    ...(probes.length === 0 ? [] : [probeListener(address, access)]),
  ];
}

function probeListener(address: string, { token, probes }: KubeletAccess): JsonObject {
  return buildStaticListener({
    name: "app_probes",
    address,
    port: PROBE_PORT,
    routes: probes.flatMap((probe) => routesOf(probe, token)),
    filters: probes.flatMap((probe) => filtersOf(probe, token)),
    // A preStop hook may take as long as the pod may.
    streamIdleTimeout: "0s",
  });
}

function routesOf(probe: AppProbe, token: string): JsonObject[] {
  if (probe.target.kind !== "http") return [];
  return [
    {
      match: { path: appProbePath(probe), headers: [hasToken(token)] },
      // The kubelet has the time limit, and closes the connection at its end.
      route: { cluster: probeClusterName(probe), prefix_rewrite: probe.target.path, timeout: "0s" },
      request_headers_to_remove: [KUBELET_HEADER],
      // The kubelet would follow it to this port, where nothing is. Without it, a redirect is a success.
      response_headers_to_remove: ["location"],
    },
  ];
}

/** 200 as long as the cluster's own checks succeed, else 503. */
function filtersOf(probe: AppProbe, token: string): JsonObject[] {
  if (probe.target.kind === "http") return [];
  return [
    {
      name: "envoy.filters.http.health_check",
      typed_config: {
        "@type": HEALTH_CHECK,
        pass_through_mode: false,
        cluster_min_healthy_percentages: { [probeClusterName(probe)]: { value: 100 } },
        headers: [{ name: ":path", string_match: { exact: appProbePath(probe) } }, hasToken(token)],
      },
    },
  ];
}

function hasToken(token: string): JsonObject {
  return { name: KUBELET_HEADER, string_match: { exact: token } };
}
