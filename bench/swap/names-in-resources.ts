import { fromBinary } from "@bufbuild/protobuf";
import {
  Cluster_DiscoveryType,
  ClusterSchema,
} from "@weft/control-plane/envoy-api/gen/envoy/config/cluster/v3/cluster_pb";
import { ListenerSchema } from "@weft/control-plane/envoy-api/gen/envoy/config/listener/v3/listener_pb";
import { HttpConnectionManagerSchema } from "@weft/control-plane/envoy-api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import type { ResourceType } from "@weft/control-plane/model/resource";

/** What a proxy asks for next, because a resource that it got names it. */
export type NamesByType = Partial<Record<ResourceType, readonly string[]>>;

const MANAGER = `type.googleapis.com/${HttpConnectionManagerSchema.typeName}`;

/** The endpoints that a cluster takes from the control plane. */
export function namesInCluster(bytes: Uint8Array): NamesByType {
  const { name, clusterDiscoveryType, edsClusterConfig } = fromBinary(ClusterSchema, bytes);
  if (clusterDiscoveryType.case !== "type" || clusterDiscoveryType.value !== Cluster_DiscoveryType.EDS) return {};
  return { endpoints: [edsClusterConfig?.serviceName || name] };
}

/** The routes and the slots for plugins of a listener's connection managers, and slots of its own. */
export function namesInListener(bytes: Uint8Array): NamesByType {
  const { filterChains, defaultFilterChain } = fromBinary(ListenerSchema, bytes);
  const routes = new Set<string>();
  const extension = new Set<string>();
  for (const chain of defaultFilterChain === undefined ? filterChains : [...filterChains, defaultFilterChain])
    for (const filter of chain.filters) {
      if (filter.configType.case === "configDiscovery") extension.add(filter.name);
      if (filter.configType.case !== "typedConfig" || filter.configType.value.typeUrl !== MANAGER) continue;
      const manager = fromBinary(HttpConnectionManagerSchema, filter.configType.value.value);
      if (manager.routeSpecifier.case === "rds") routes.add(manager.routeSpecifier.value.routeConfigName);
      for (const { name, configType } of manager.httpFilters)
        if (configType.case === "configDiscovery") extension.add(name);
    }
  return { routes: [...routes].sort(), extension: [...extension].sort() };
}
