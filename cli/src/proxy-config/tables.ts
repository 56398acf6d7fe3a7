import { plainText } from "../workbench/print.js";
import { type ClusterRow, clusterRows, type EndpointRow, endpointRows } from "./cluster-rows.js";
import type { ConfigDump } from "./config-dump.js";
import { type FilterRow, filterRows } from "./filter-rows.js";
import type { Json } from "./json.js";
import { type ListenerRow, listenerRows } from "./listener-rows.js";
import { type RouteRow, routeRows } from "./route-rows.js";
import { type SecretRow, secretRows } from "./secret-rows.js";

/** The parts of a proxy's configuration that can be looked at, in the order in which a request meets them. */
export const PARTS = ["listeners", "filters", "routes", "clusters", "endpoints", "certificates"] as const;
export type Part = (typeof PARTS)[number];

/** A proxy's configuration as rows. */
export interface ProxyConfig {
  readonly listeners: readonly ListenerRow[];
  readonly filters: readonly FilterRow[];
  readonly routes: readonly RouteRow[];
  readonly clusters: readonly ClusterRow[];
  readonly endpoints: readonly EndpointRow[];
  readonly certificates: readonly SecretRow[];
}

/** Makes the rows of what Envoy's admin API says; `clusters` is the answer of `/clusters?format=json`. */
export function proxyConfig(dump: ConfigDump, clusters: Json): ProxyConfig {
  const endpoints = endpointRows(clusters);
  return {
    listeners: listenerRows(dump.listeners),
    filters: filterRows(dump.extensions),
    routes: routeRows(dump.routes),
    clusters: clusterRows(dump.clusters, endpoints),
    endpoints,
    certificates: secretRows(dump.secrets),
  };
}

type Columns<Row> = Readonly<Record<string, (row: Row) => string>>;

/** What is long stands last: that column is as wide as it wants. */
const COLUMNS: { readonly [P in Part]: Columns<ProxyConfig[P][number]> } = {
  listeners: {
    LISTENER: (row) => row.listener,
    ADDRESS: (row) => row.address,
    STATE: (row) => row.origin,
    SECURITY: (row) => row.security,
    MATCH: (row) => row.match,
    TARGET: (row) => row.target,
  },
  filters: {
    SLOT: (row) => row.slot,
    "#": (row) => (row.position === 0 ? "-" : String(row.position)),
    FILTER: (row) => row.name || "empty",
    TYPE: (row) => row.type || "-",
    DETAIL: (row) => row.detail || "-",
  },
  routes: {
    ROUTES: (row) => row.configuration,
    HOST: (row) => row.virtualHost,
    NAME: (row) => row.name || "-",
    MATCH: (row) => row.match,
    TARGET: (row) => row.target,
    POLICIES: (row) => row.policies.join(", ") || "-",
  },
  clusters: {
    CLUSTER: (row) => row.name,
    FOUND: (row) => row.discovery,
    BALANCING: (row) => row.balancing,
    ENDPOINTS: (row) => `${row.endpoints.healthy}/${row.endpoints.total}`,
    SECURITY: (row) => row.security,
    POLICIES: (row) => row.policies.join(", ") || "-",
  },
  endpoints: {
    CLUSTER: (row) => row.cluster,
    ADDRESS: (row) => row.address,
    HEALTH: (row) => row.health,
    WEIGHT: (row) => String(row.weight),
    PRIORITY: (row) => String(row.priority),
    LOCALITY: (row) => row.locality || "-",
    CONNECTIONS: (row) => String(row.connections),
    REQUESTS: (row) => String(row.requests),
    FAILED: (row) => String(row.failed),
  },
  certificates: {
    SECRET: (row) => row.secret,
    USE: (row) => row.use,
    SERIAL: (row) => row.serial,
    FROM: (row) => row.notBefore,
    TO: (row) => row.notAfter,
    SUBJECT: (row) => row.subject,
  },
};

/** Cells of one part with its heading, for people. */
export function partCells<P extends Part>(part: P, config: Pick<ProxyConfig, P>): string[][] {
  const columns = Object.entries(COLUMNS[part] as Columns<ProxyConfig[P][number]>);
  const rows = config[part] as readonly ProxyConfig[P][number][];
  return [
    columns.map(([heading]) => heading),
    ...rows.map((row) => columns.map(([, cell]) => plainText(cell(row), MAX_CELL))),
  ];
}

const MAX_CELL = 160;
