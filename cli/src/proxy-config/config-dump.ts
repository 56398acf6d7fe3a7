import { at, items, type Json, text, typeName } from "./json.js";

/** One resource that a proxy has. */
export interface DumpedResource {
  /** Whether it comes from the bootstrap, or from the control plane and is in use, or still gets ready. */
  readonly origin: "static" | "active" | "warming";
  /** Hash that the control plane gave it; "" for what has none. */
  readonly version: string;
  readonly value: Json;
  /** Why Envoy refused the last update of it; "" where it did not. */
  readonly error: string;
}

/** Parts of a proxy's configuration, by what they are. */
export interface ConfigDump {
  readonly listeners: readonly DumpedResource[];
  readonly routes: readonly DumpedResource[];
  readonly clusters: readonly DumpedResource[];
  readonly endpoints: readonly DumpedResource[];
  readonly extensions: readonly DumpedResource[];
  readonly secrets: readonly DumpedResource[];
}

/** Reads the answer of `/config_dump?include_eds`: https://www.envoyproxy.io/docs/envoy/v1.40.0/operations/admin#get--config_dump */
export function readConfigDump(dump: Json): ConfigDump {
  const sections = new Map(items(at(dump, "configs")).map((section) => [typeName(section), section]));
  const listeners = sections.get("ListenersConfigDump");
  const section = (name: string, origin: DumpedResource["origin"], list: string, value: string): DumpedResource[] =>
    items(at(sections.get(name), list)).map((entry) => resource(origin, entry, at(entry, value)));
  return {
    listeners: [
      ...items(at(listeners, "static_listeners")).map((entry) => resource("static", entry, at(entry, "listener"))),
      ...items(at(listeners, "dynamic_listeners")).flatMap(dynamicListener),
    ],
    routes: [
      ...section("RoutesConfigDump", "static", "static_route_configs", "route_config"),
      ...section("RoutesConfigDump", "active", "dynamic_route_configs", "route_config"),
    ],
    clusters: [
      ...section("ClustersConfigDump", "static", "static_clusters", "cluster"),
      ...section("ClustersConfigDump", "active", "dynamic_active_clusters", "cluster"),
      ...section("ClustersConfigDump", "warming", "dynamic_warming_clusters", "cluster"),
    ],
    endpoints: [
      ...section("EndpointsConfigDump", "static", "static_endpoint_configs", "endpoint_config"),
      ...section("EndpointsConfigDump", "active", "dynamic_endpoint_configs", "endpoint_config"),
    ],
    extensions: section("EcdsConfigDump", "active", "ecds_filters", "ecds_filter"),
    secrets: [
      ...section("SecretsConfigDump", "static", "static_secrets", "secret"),
      ...section("SecretsConfigDump", "active", "dynamic_active_secrets", "secret"),
      ...section("SecretsConfigDump", "warming", "dynamic_warming_secrets", "secret"),
    ],
  };
}

function resource(origin: DumpedResource["origin"], entry: Json, value: Json): DumpedResource {
  return {
    origin,
    version: text(at(entry, "version_info")),
    value,
    error: text(at(entry, "error_state", "details")),
  };
}

/** A listener has up to three states at once; one that drains serves nobody new and is left out. */
function dynamicListener(entry: Json): DumpedResource[] {
  const error = text(at(entry, "error_state", "details"));
  return (["active", "warming"] as const).flatMap((origin) => {
    const state = at(entry, `${origin}_state`);
    return state === undefined ? [] : [{ ...resource(origin, state, at(state, "listener")), error }];
  });
}
