import { ROUTE_SLOTS } from "../control-plane/src/model/route-slots.js";
import { MISSING_CLUSTER } from "../control-plane/src/translate/names.js";
import type { JsonResource } from "./golden-translation.js";

/**
 * Resources that Envoy would wait for or never use, by what names them. Empty when everything fits together. Clusters
 * that routes name may be missing where some are had on demand.
 */
export function brokenReferences(resources: readonly JsonResource[], onDemand = false): string[] {
  const names = (type: JsonResource["type"]) => new Set(resources.filter((r) => r.type === type).map((r) => r.name));
  const clusters = names("cluster");
  const problems: string[] = [];
  const wanted = {
    cluster: new Set<string>(),
    routes: new Set<string>(),
    extension: new Set<string>(),
    secret: new Set<string>(),
  };

  for (const { type, name: owner, config } of resources)
    walk(config, (node) => {
      const { eds_cluster_config: eds, rds, config_discovery: discovery, cluster, clusters: weighted } = node;
      if (type === "routes" || type === "listener") {
        if (typeof cluster === "string") wanted.cluster.add(cluster);
        if (Array.isArray(weighted)) for (const { name } of weighted as { name: string }[]) wanted.cluster.add(name);
      }
      if (isObject(rds)) wanted.routes.add(String(rds.route_config_name));
      if (discovery !== undefined) wanted.extension.add(String(node.name));
      if ("sds_config" in node) wanted.secret.add(String(node.name));
      if (isObject(eds) && !names("endpoints").has(String(eds.service_name ?? owner)))
        problems.push(`cluster ${owner} has no endpoints resource`);
    });

  for (const [type, wantedNames] of Object.entries(wanted) as [keyof typeof wanted, Set<string>][]) {
    const there = names(type);
    for (const name of wantedNames)
      if (!there.has(name) && !(type === "cluster" && (onDemand || name === MISSING_CLUSTER)))
        problems.push(`${type} ${name} is named and not there`);
    // Clusters nobody routes to are of TCP ports and of subsets that only a plugin may choose.
    if (type !== "cluster")
      for (const name of there)
        if (!wantedNames.has(name)) problems.push(`${type} ${name} is there and nobody names it`);
  }
  for (const name of names("endpoints")) if (!clusters.has(name)) problems.push(`endpoints ${name} has no cluster`);
  problems.push(...duplicates(resources.map(({ type, name }) => `${type} ${name}`)));
  for (const { name, config } of resources.filter((r) => r.type === "routes")) {
    const hosts = config.virtual_hosts as { name: string; domains: string[] }[];
    problems.push(...duplicates(hosts.map((host) => `virtual host ${host.name} of ${name}`)));
    problems.push(
      ...duplicates(hosts.flatMap(({ domains }) => domains.map((domain) => `domain ${domain} of ${name}`))),
    );
  }
  const addresses = resources.flatMap((r) => (r.type === "listener" ? [JSON.stringify(r.config.address)] : []));
  problems.push(...duplicates(addresses.map((address) => `listener address ${address}`)));
  return problems;
}

/** Listeners speak HTTP through four slots, filters that routes configure, and a router; anything else is named. */
export function brokenSlots(resources: readonly JsonResource[]): string[] {
  const problems: string[] = [];
  for (const { name: owner, type, config } of resources) {
    if (type !== "listener") continue;
    walk(config, ({ http_filters: filters, stat_prefix: statPrefix }) => {
      if (!Array.isArray(filters)) return;
      const found = (filters as { name: string }[]).map(({ name }) => name);
      if (found.join() !== expectedFilters(String(statPrefix)).join())
        problems.push(`listener ${owner} has the HTTP filters ${found.join(", ")}`);
    });
  }
  return problems;
}

/** By the prefix of the connection manager's stats, which has the direction and the port. */
function expectedFilters(statPrefix: string): string[] {
  const [direction, port] = statPrefix.split("_");
  const prefix = `weft/${direction === "outbound" ? "out" : "in"}/${port}`;
  return [
    ...["authn", "authz", "stats", "default"].map((phase) => `${prefix}/${phase}`),
    ...(direction === "outbound"
      ? [
          ...Array.from({ length: ROUTE_SLOTS }, (_, n) => `weft/out/route-${n}`),
          "envoy.filters.http.fault",
          "envoy.filters.http.cors",
          "envoy.filters.http.on_demand",
        ]
      : []),
    "envoy.filters.http.router",
  ];
}

function duplicates(names: readonly string[]): string[] {
  return names.filter((name, position) => names.indexOf(name) !== position).map((name) => `${name} is there twice`);
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Visits every object in a JSON value. */
export function walk(value: unknown, visit: (node: Json) => void): void {
  if (Array.isArray(value)) for (const element of value) walk(element, visit);
  else if (isObject(value)) {
    visit(value);
    for (const inner of Object.values(value)) walk(inner, visit);
  }
}
