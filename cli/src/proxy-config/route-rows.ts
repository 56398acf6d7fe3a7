import type { DumpedResource } from "./config-dump.js";
import { at, items, type Json, text } from "./json.js";

/** One route of a virtual host. */
export interface RouteRow {
  readonly configuration: string;
  readonly virtualHost: string;
  readonly domains: readonly string[];
  readonly name: string;
  readonly match: string;
  /** Where it leads, with weights. */
  readonly target: string;
  /** What else is done on the way: timeout, retries, faults, rewrites. */
  readonly policies: readonly string[];
  readonly version: string;
}

/** All routes, in the order in which Envoy tries them. */
export function routeRows(configurations: readonly DumpedResource[]): RouteRow[] {
  return configurations.flatMap(({ value, version }) =>
    items(at(value, "virtual_hosts")).flatMap((host) =>
      items(at(host, "routes")).map((route) => ({
        configuration: text(at(value, "name")),
        virtualHost: text(at(host, "name")),
        domains: items(at(host, "domains")).map(text),
        name: text(at(route, "name")),
        match: routeMatchText(at(route, "match")),
        target: routeTargetText(route),
        policies: policies(route),
        version,
      })),
    ),
  );
}

/** `GET /x* x-canary=always`, as a person would say it. */
export function routeMatchText(match: Json): string {
  const headers = items(at(match, "headers"));
  const method = headers.find((header) => text(at(header, "name")) === ":method");
  const others = headers.filter((header) => header !== method).map(headerText);
  const query = items(at(match, "query_parameters")).map(
    (parameter) => `?${text(at(parameter, "name"))}${stringMatchText(at(parameter, "string_match"))}`,
  );
  const state = items(at(match, "filter_state")).map(
    (entry) => `{${text(at(entry, "key"))}${stringMatchText(at(entry, "string_match"))}}`,
  );
  const parts = [
    method === undefined ? "" : stringMatchText(at(method, "string_match")).slice(1),
    pathText(match),
    ...others,
    ...query,
    ...state,
  ];
  return parts.filter((part) => part !== "").join(" ");
}

function pathText(match: Json): string {
  const path = text(at(match, "path"));
  if (path !== "") return path;
  const prefix = text(at(match, "prefix"));
  if (prefix !== "") return `${prefix}*`;
  const separated = text(at(match, "path_separated_prefix"));
  if (separated !== "") return `${separated}[/*]`;
  const regex = text(at(match, "safe_regex", "regex"));
  return regex === "" ? "" : `~${regex}`;
}

function headerText(header: Json): string {
  const name = text(at(header, "name"));
  const not = at(header, "invert_match") === true ? "!" : "";
  const match = at(header, "string_match");
  return match === undefined ? `${not}${name}` : `${not}${name}${stringMatchText(match)}`;
}

function stringMatchText(match: Json): string {
  const regex = text(at(match, "safe_regex", "regex"));
  if (regex !== "") return `~${regex}`;
  const prefix = text(at(match, "prefix"));
  if (prefix !== "") return `=${prefix}*`;
  const suffix = text(at(match, "suffix"));
  if (suffix !== "") return `=*${suffix}`;
  return match === undefined ? "" : `=${text(at(match, "exact"))}`;
}

/** Clusters with their weights, or the answer that is given at once. */
export function routeTargetText(route: Json): string {
  const action = at(route, "route");
  const cluster = text(at(action, "cluster"));
  if (cluster !== "") return cluster;
  const weighted = items(at(action, "weighted_clusters", "clusters"));
  if (weighted.length > 0)
    return weighted.map((part) => `${text(at(part, "name"))} ${text(at(part, "weight"))}`).join(", ");
  const header = text(at(action, "cluster_header"));
  if (header !== "") return `cluster named by ${header}`;
  const status = text(at(route, "direct_response", "status"));
  if (status !== "") return `answer ${status}`;
  const redirect = at(route, "redirect");
  if (redirect === undefined) return "nothing";
  const to = ["scheme_redirect", "host_redirect", "port_redirect", "path_redirect", "prefix_rewrite"].map((name) =>
    text(at(redirect, name)),
  );
  return `redirect ${to.filter((part) => part !== "").join(" ")}`.trim();
}

function policies(route: Json): string[] {
  const action = at(route, "route");
  const timeout = text(at(action, "timeout"));
  const retries = text(at(action, "retry_policy", "num_retries"));
  const mirrors = items(at(action, "request_mirror_policies")).map((mirror) => `mirror ${text(at(mirror, "cluster"))}`);
  const rewrite =
    text(at(action, "prefix_rewrite")) ||
    text(at(action, "path_rewrite_policy", "name")) ||
    text(at(action, "regex_rewrite", "substitution"));
  const host = text(at(action, "host_rewrite_literal"));
  const own = at(route, "typed_per_filter_config");
  return [
    ...(timeout === "" || timeout === "0s" ? [] : [`timeout ${timeout}`]),
    ...(retries === "" ? [] : [`retries ${retries}`]),
    ...(rewrite === "" ? [] : [`path to ${rewrite}`]),
    ...(host === "" ? [] : [`host to ${host}`]),
    ...mirrors,
    ...(typeof own === "object" && own !== null ? Object.keys(own).map((name) => name.split(".").at(-1) ?? name) : []),
  ];
}
