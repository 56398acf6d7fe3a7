import { FAILURE_SUFFIX } from "../model/plugin-manifest.js";
import type { JsonObject } from "./json.js";
import { ADMIN_CLUSTER, HEALTH_PORT, METRICS_PORT, ROLLOUT_HEALTH_PATH, ROLLOUT_HEALTH_PORT } from "./ports.js";
import { buildControlPlaneTls, type ControlPlanePeer } from "./rollout-health-tls.js";
import { buildStaticListener } from "./static-listener.js";

/**
 * The counters that tell of the health of plugins, of all that a sidecar has: requests, those that failed, what became
 * of the VMs of plugins, and what plugins count as failures by the name of the series. The control plane picks those of
 * one plugin. Labels follow a name after `;` where a plugin counts, after `.` where the access logger does.
 */
const HEALTH_STATS = [
  "http\\.(in|out)bound_[0-9]+\\.downstream_rq_(completed|5xx)",
  "wasm\\..+\\.vm_reload_(success|backoff|failure)",
  `wasmcustom\\.[A-Za-z0-9_:]+${FAILURE_SUFFIX}([;.].*)?`,
];

/** What must be reachable whatever the control plane says: metrics and health, and nothing else of the admin API. */
export function buildStaticListeners(address: string, peer: ControlPlanePeer): readonly JsonObject[] {
  const healthStats = `/stats?format=json&type=Counters&filter=${encodeURIComponent(`^(${HEALTH_STATS.join("|")})$`)}`;
  const toAdmin = (match: JsonObject, target: string): readonly JsonObject[] => [
    { match, route: { cluster: ADMIN_CLUSTER, prefix_rewrite: target } },
  ];
  return [
    buildStaticListener({
      name: "metrics",
      address,
      port: METRICS_PORT,
      routes: toAdmin({ path: "/stats/prometheus" }, "/stats/prometheus"),
    }),
    buildStaticListener({
      name: "health",
      address,
      port: HEALTH_PORT,
      routes: toAdmin({ path: "/healthz/ready" }, "/ready"),
    }),
    buildStaticListener({
      name: "rollout_health",
      address,
      port: ROLLOUT_HEALTH_PORT,
      routes: toAdmin({ path: ROLLOUT_HEALTH_PATH }, healthStats),
      transportSocket: buildControlPlaneTls(peer),
    }),
  ];
}
