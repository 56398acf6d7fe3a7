import type { JsonObject } from "./json.js";

/** Of Istio's metrics. https://istio.io/latest/docs/reference/config/metrics/ */
export const ISTIO_LABELS: readonly string[] = [
  "connection_security_policy",
  ...["source", "destination"].flatMap((side) => [
    `${side}_app`,
    `${side}_canonical_revision`,
    `${side}_canonical_service`,
    `${side}_principal`,
    `${side}_version`,
    `${side}_workload`,
    `${side}_workload_namespace`,
  ]),
  "destination_service",
  "destination_service_name",
  "destination_service_namespace",
  "grpc_response_status",
  "reporter",
  "request_operation",
  "request_protocol",
  "response_code",
  "response_flags",
].sort();

/** What plugins tell of their own decisions by. */
const DECISION_LABELS: readonly string[] = ["code", "limit", "outcome", "reason", "route", "rule", "subset"];

/**
 * Labels that a plugin's own metrics can have. A plugin cannot give Envoy labels: it writes them into a metric's name,
 * as `<name>;<label>=<value>;…`, and Envoy takes out what these patterns find. Patterns are read at start only, so the
 * list is fixed; other labels go through a manifest's `metrics`.
 */
const PLUGIN_LABELS: readonly string[] = [...ISTIO_LABELS, ...DECISION_LABELS];

/** The prefix lets Envoy skip the pattern for all stats that are not a plugin's. */
export const STATS_TAGS: readonly JsonObject[] = PLUGIN_LABELS.map((label) => ({
  tag_name: label,
  regex: `^wasmcustom\\..*?(;${label}=([^;]*))`,
}));

const DURATION_BUCKETS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000];
const SIZE_BUCKETS_BYTES = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536].map((step) => step * 64);

/** Upper bounds of what Prometheus sees of histograms; Envoy's own are for milliseconds, up to an hour. */
export const HISTOGRAM_BUCKETS: readonly JsonObject[] = [
  {
    match: { prefix: "wasmcustom.istio_request_duration_milliseconds" },
    buckets: DURATION_BUCKETS_MS,
  },
  {
    match: { safe_regex: { regex: "wasmcustom\\.istio_(request|response)_bytes.*" } },
    buckets: SIZE_BUCKETS_BYTES,
  },
];
