import { compareStrings } from "@weft/control-plane/model/compare";
import type { DumpedResource } from "./config-dump.js";
import { at, items, type Json, text, typeName } from "./json.js";

/** One upstream cluster. */
export interface ClusterRow {
  readonly name: string;
  /** How its endpoints are found: EDS, STATIC, STRICT_DNS, … */
  readonly discovery: string;
  readonly balancing: string;
  /** `mTLS`, `mTLS where the endpoint has it`, `TLS` or `plaintext`. */
  readonly security: string;
  /** Endpoints that may be chosen now, of all. */
  readonly endpoints: { readonly healthy: number; readonly total: number };
  /** Limits and ejection that are set. */
  readonly policies: readonly string[];
  readonly origin: DumpedResource["origin"];
  readonly version: string;
}

/** One endpoint of a cluster. */
export interface EndpointRow {
  readonly cluster: string;
  readonly address: string;
  /** `HEALTHY`, or what keeps it from being chosen. */
  readonly health: string;
  readonly weight: number;
  readonly priority: number;
  /** `region/zone/subzone`; "" where nothing is known. */
  readonly locality: string;
  /** Connections that are open, and requests in all and failed. */
  readonly connections: number;
  readonly requests: number;
  readonly failed: number;
}

/** Endpoints with what Envoy knows of them, by cluster, priority and address: the answer of `/clusters?format=json`. */
export function endpointRows(clusters: Json): EndpointRow[] {
  const rows = items(at(clusters, "cluster_statuses")).flatMap((cluster) =>
    items(at(cluster, "host_statuses")).map((host) => {
      const stats = new Map(
        items(at(host, "stats")).map((stat) => [text(at(stat, "name")), Number(at(stat, "value"))]),
      );
      const socket = at(host, "address", "socket_address");
      return {
        cluster: text(at(cluster, "name")),
        address: socket === undefined ? text(at(host, "address", "pipe", "path")) : hostPort(socket),
        health: healthText(at(host, "health_status")),
        weight: Number(at(host, "weight") ?? 1),
        priority: Number(at(host, "priority") ?? 0),
        locality: localityText(at(host, "locality")),
        connections: stats.get("cx_active") || 0,
        requests: stats.get("rq_total") || 0,
        failed: stats.get("rq_error") || 0,
      };
    }),
  );
  return rows.sort(
    (a, b) => compareStrings(a.cluster, b.cluster) || a.priority - b.priority || compareStrings(a.address, b.address),
  );
}

function hostPort(socket: Json): string {
  const host = text(at(socket, "address"));
  return `${host.includes(":") ? `[${host}]` : host}:${text(at(socket, "port_value"))}`;
}

/** https://www.envoyproxy.io/docs/envoy/v1.40.0/api-v3/admin/v3/clusters.proto#admin-v3-hosthealthstatus */
const FAILURES: Readonly<Record<string, string>> = {
  failed_outlier_check: "EJECTED",
  failed_active_health_check: "FAILED_HEALTH_CHECK",
  failed_active_degraded_check: "DEGRADED",
  pending_dynamic_removal: "REMOVED",
  pending_active_hc: "PENDING_HEALTH_CHECK",
  excluded_via_immediate_hc_fail: "EXCLUDED",
  active_hc_timeout: "HEALTH_CHECK_TIMEOUT",
};

function healthText(status: Json): string {
  const failures = Object.entries(FAILURES).flatMap(([field, word]) => (at(status, field) === true ? [word] : []));
  return failures.length > 0 ? failures.join(",") : text(at(status, "eds_health_status")) || "HEALTHY";
}

function localityText(locality: Json): string {
  const parts = ["region", "zone", "sub_zone"].map((name) => text(at(locality, name)));
  return parts.join("/").replace(/\/+$/, "");
}

/** All clusters by name, with how many of their endpoints can be chosen. */
export function clusterRows(clusters: readonly DumpedResource[], endpoints: readonly EndpointRow[]): ClusterRow[] {
  const counts = new Map<string, { healthy: number; total: number }>();
  for (const { cluster, health } of endpoints) {
    const counted = counts.get(cluster) ?? { healthy: 0, total: 0 };
    counted.total++;
    if (health === "HEALTHY") counted.healthy++;
    counts.set(cluster, counted);
  }
  const rows = clusters.map(({ origin, version, value }) => {
    const name = text(at(value, "name"));
    return {
      name,
      discovery: text(at(value, "type")) || typeName(at(value, "cluster_type", "typed_config")) || "STATIC",
      balancing: text(at(value, "lb_policy")) || "ROUND_ROBIN",
      security: securityText(value),
      endpoints: counts.get(name) ?? { healthy: 0, total: 0 },
      policies: policies(value),
      origin,
      version,
    };
  });
  return rows.sort((a, b) => compareStrings(a.name, b.name));
}

function securityText(cluster: Json): string {
  const matches = items(at(cluster, "transport_socket_matches"));
  const isMesh = (socket: Json): boolean =>
    items(at(socket, "typed_config", "common_tls_context", "tls_certificate_sds_secret_configs")).length > 0;
  const isTls = (socket: Json): boolean => typeName(at(socket, "typed_config")) === "UpstreamTlsContext";
  const sockets = [...matches.map((match) => at(match, "transport_socket")), at(cluster, "transport_socket")];
  if (sockets.some(isMesh)) return matches.length > 1 ? "mTLS where the endpoint has it" : "mTLS";
  return sockets.some(isTls) ? "TLS" : "plaintext";
}

/** What Envoy prints for a limit that is none. */
const UNLIMITED = 0xffff_ffff;
const LIMITS: Readonly<Record<string, string>> = {
  max_connections: "connections",
  max_pending_requests: "pending",
  max_requests: "requests",
  max_retries: "retries",
};

function policies(cluster: Json): string[] {
  const threshold = items(at(cluster, "circuit_breakers", "thresholds"))[0];
  const limits = Object.entries(LIMITS).flatMap(([field, noun]) => {
    const limit = at(threshold, field);
    return typeof limit === "number" && limit < UNLIMITED ? [`at most ${limit} ${noun}`] : [];
  });
  const ejection = at(cluster, "outlier_detection");
  const after = text(at(ejection, "consecutive_5xx"));
  return [...limits, ...(ejection === undefined ? [] : [after === "" ? "ejection" : `ejection after ${after} 5xx`])];
}
