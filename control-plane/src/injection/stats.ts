import type { JsonObject } from "./json.js";
import { HISTOGRAM_BUCKETS, STATS_TAGS } from "./stats-tags.js";

/** Whole families. Each grows with the listeners, filters and plugins of one sidecar, not with the mesh. */
const KEPT_PREFIXES: readonly string[] = [
  "cluster.xds.",
  "cluster_manager.",
  "control_plane.",
  "extension_config_discovery.",
  "http.",
  "listener.",
  "listener_manager.",
  "overload.",
  "sds.",
  "server.",
  "tcp.",
  "wasm.",
  "wasmcustom.",
];

/** Of each cluster what its callers ask for: a sidecar has thousands of clusters, and a cluster about a hundred stats. */
const KEPT_OF_CLUSTERS =
  "cluster\\..*\\.(upstream_(rq|cx)[a-z0-9_]*|membership_(healthy|total|degraded)|ssl\\.(handshake|connection_error|fail_[a-z_]+)|circuit_breakers\\.[a-z]+\\.([a-z_]+_open|remaining_[a-z]+)|outlier_detection\\.ejections_[a-z0-9_]+)";

/** The stats that a sidecar makes. All others do not exist: they cost neither memory nor time. */
export const STATS_CONFIG: JsonObject = {
  stats_tags: STATS_TAGS,
  histogram_bucket_settings: HISTOGRAM_BUCKETS,
  stats_matcher: {
    inclusion_list: {
      patterns: [...KEPT_PREFIXES.map((prefix) => ({ prefix })), { safe_regex: { regex: KEPT_OF_CLUSTERS } }],
    },
  },
};
