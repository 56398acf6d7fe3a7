import type { MessageInitShape } from "@bufbuild/protobuf";
import type { FilterSchema } from "../envoy-api/gen/envoy/config/listener/v3/listener_components_pb.js";
import type { RouteConfigurationSchema } from "../envoy-api/gen/envoy/config/route/v3/route_pb.js";
import { CorsSchema } from "../envoy-api/gen/envoy/extensions/filters/http/cors/v3/cors_pb.js";
import { HTTPFaultSchema } from "../envoy-api/gen/envoy/extensions/filters/http/fault/v3/fault_pb.js";
import { FilterChainConfigSchema } from "../envoy-api/gen/envoy/extensions/filters/http/filter_chain/v3/filter_chain_pb.js";
import { OnDemandSchema } from "../envoy-api/gen/envoy/extensions/filters/http/on_demand/v3/on_demand_pb.js";
import { RouterSchema } from "../envoy-api/gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import {
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_ServerHeaderTransformation,
  type HttpConnectionManagerSchema,
  type HttpFilterSchema,
  HttpConnectionManagerSchema as ManagerSchema,
} from "../envoy-api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import type { Direction } from "../model/plugin.js";
import { PHASES } from "../model/plugin-manifest.js";
import { ROUTE_SLOTS } from "../model/route-slots.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { metricAccessLogs } from "./access-logs.js";
import { ADS } from "./config-source.js";
import { pack } from "./encode.js";
import { CORS_FILTER, FAULT_FILTER, managerStatPrefix, routeSlotName, slotName } from "./names.js";
import { pluginsFor } from "./plugin-order.js";
import { requestLogs } from "./request-logs.js";
import { tracing } from "./tracing.js";

const FILTER_CHAIN_TYPE_URL = `type.googleapis.com/${FilterChainConfigSchema.typeName}`;

/** What tells one connection manager of a sidecar from another. */
export interface ConnectionManagerSite {
  readonly workload: Workload;
  readonly direction: Direction;
  readonly port: number;
  readonly routes:
    | { readonly kind: "ads"; readonly name: string }
    | { readonly kind: "inline"; readonly routes: MessageInitShape<typeof RouteConfigurationSchema> };
}

/** The network filter that speaks HTTP, with its fixed slots for plugins. */
export function httpConnectionManager(
  snapshot: Snapshot,
  site: ConnectionManagerSite,
): MessageInitShape<typeof FilterSchema> {
  return {
    name: "envoy.filters.network.http_connection_manager",
    configType: { case: "typedConfig", value: pack(ManagerSchema, managerConfig(snapshot, site)) },
  };
}

function managerConfig(
  snapshot: Snapshot,
  { workload, direction, port, routes }: ConnectionManagerSite,
): MessageInitShape<typeof HttpConnectionManagerSchema> {
  const inbound = direction === "server";
  const spans = tracing(snapshot, workload, direction);
  return {
    statPrefix: managerStatPrefix(direction, port),
    routeSpecifier:
      routes.kind === "ads"
        ? { case: "rds", value: { routeConfigName: routes.name, configSource: ADS } }
        : { case: "routeConfig", value: routes.routes },
    httpFilters: [
      ...PHASES.map((phase) => slot(slotName(direction, port, phase))),
      ...(inbound ? [] : [...PLUGINS_OF_ROUTES, ...ROUTE_FILTERS, ON_DEMAND]),
      ROUTER,
    ],
    accessLog: [
      ...metricAccessLogs(snapshot, workload, pluginsFor(snapshot, workload, direction, port)),
      ...requestLogs(snapshot, workload, direction, "http"),
    ],
    ...(spans === undefined ? {} : { tracing: spans }),
    serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
    // A caller must not be able to claim who it is: the header is made from the certificate.
    ...(inbound
      ? {
          forwardClientCertDetails: HttpConnectionManager_ForwardClientCertDetails.SANITIZE_SET,
          setCurrentClientCertDetails: { uri: true },
        }
      : {}),
    // Old clients, and proxies such as nginx by default.
    httpProtocolOptions: { acceptHttp10: true },
    normalizePath: true,
    mergeSlashes: true,
    upgradeConfigs: [{ upgradeType: "websocket" }],
  };
}

/** A place for plugins. It is there from the first LDS on, so that plugins come and go without touching listeners. */
function slot(name: string): MessageInitShape<typeof HttpFilterSchema> {
  return {
    name,
    configType: { case: "configDiscovery", value: { configSource: ADS, typeUrls: [FILTER_CHAIN_TYPE_URL] } },
  };
}

/** Spare places for plugins of some routes. They are asleep but for requests whose route wakes them. */
const PLUGINS_OF_ROUTES = Array.from({ length: ROUTE_SLOTS }, (_, n) => ({
  ...slot(routeSlotName(n)),
  disabled: true,
}));

/** They do nothing but what a route says, so that routes alone decide, and no listener changes with them. */
const ROUTE_FILTERS: readonly MessageInitShape<typeof HttpFilterSchema>[] = [
  { name: FAULT_FILTER, configType: { case: "typedConfig", value: pack(HTTPFaultSchema, {}) } },
  { name: CORS_FILTER, configType: { case: "typedConfig", value: pack(CorsSchema, {}) } },
];

/**
 * Holds a request to a cluster that Envoy does not have, and asks the control plane for it. It stands behind all that
 * can change a request's route. What cannot be had, or not in time, is answered with 503.
 */
const ON_DEMAND: MessageInitShape<typeof HttpFilterSchema> = {
  name: "envoy.filters.http.on_demand",
  configType: {
    case: "typedConfig",
    value: pack(OnDemandSchema, { odcds: { source: ADS, timeout: { seconds: 5n } } }),
  },
};

const ROUTER: MessageInitShape<typeof HttpFilterSchema> = {
  name: "envoy.filters.http.router",
  configType: { case: "typedConfig", value: pack(RouterSchema, {}) },
};
