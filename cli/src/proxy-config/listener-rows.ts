import type { DumpedResource } from "./config-dump.js";
import { addressText, at, items, type Json, text, typeName } from "./json.js";

/** One filter chain of a listener. */
export interface ListenerRow {
  readonly listener: string;
  readonly address: string;
  /** What a connection must have for this chain; `any` where it is the last resort. */
  readonly match: string;
  /** `mTLS`, `TLS` or `plaintext`: what is terminated here. */
  readonly security: string;
  /** Where the traffic goes: a route configuration or a cluster. */
  readonly target: string;
  /** The chain's filters by name, HTTP filters included. */
  readonly filters: readonly string[];
  readonly origin: DumpedResource["origin"];
  readonly version: string;
}

/** The filter chains of all listeners, in the order in which Envoy lists them. */
export function listenerRows(listeners: readonly DumpedResource[]): ListenerRow[] {
  return listeners.flatMap(({ origin, version, value }) => {
    const chains = [...items(at(value, "filter_chains")), at(value, "default_filter_chain")].filter(
      (chain) => chain !== undefined,
    );
    const listener = text(at(value, "name"));
    const address = addressText(at(value, "address"));
    return chains.map((chain) => ({ listener, address, origin, version, ...chainRow(chain) }));
  });
}

function chainRow(chain: Json): Pick<ListenerRow, "match" | "security" | "target" | "filters"> {
  const filters = items(at(chain, "filters"));
  const last = at(filters.at(-1), "typed_config");
  return {
    match: matchText(at(chain, "filter_chain_match")),
    security: securityText(at(chain, "transport_socket")),
    target: targetText(last),
    filters: filters.flatMap((filter) => [
      text(at(filter, "name")),
      ...items(at(filter, "typed_config", "http_filters")).map((http) => text(at(http, "name"))),
    ]),
  };
}

function matchText(match: Json): string {
  const ranges = (name: string): string[] =>
    items(at(match, name)).map((range) => `${text(at(range, "address_prefix"))}/${text(at(range, "prefix_len"))}`);
  const texts = (name: string): string[] => items(at(match, name)).map(text);
  const port = text(at(match, "destination_port"));
  const parts = [
    ...(port === "" ? [] : [`port ${port}`]),
    ...ranges("prefix_ranges"),
    ...texts("server_names").map((name) => `SNI ${name}`),
    text(at(match, "transport_protocol")),
    texts("application_protocols").join("|"),
    ...ranges("source_prefix_ranges").map((range) => `from ${range}`),
  ].filter((part) => part !== "");
  return parts.length === 0 ? "any" : parts.join(", ");
}

function securityText(socket: Json): string {
  if (typeName(at(socket, "typed_config")) !== "DownstreamTlsContext") return "plaintext";
  return at(socket, "typed_config", "require_client_certificate") === true ? "mTLS" : "TLS";
}

function targetText(filter: Json): string {
  const route = text(at(filter, "rds", "route_config_name")) || text(at(filter, "route_config", "name"));
  if (route !== "") return `routes ${route}`;
  const cluster = text(at(filter, "cluster"));
  if (cluster !== "") return `cluster ${cluster}`;
  const weighted = items(at(filter, "weighted_clusters", "clusters"));
  if (weighted.length > 0)
    return weighted.map((part) => `cluster ${text(at(part, "name"))} ${text(at(part, "weight"))}`).join(", ");
  return typeName(filter) || "nothing";
}
