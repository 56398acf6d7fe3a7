import type { MessageInitShape } from "@bufbuild/protobuf";
import type { VirtualHostSchema } from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import { RouteConfigurationSchema } from "../envoy-api/gen/envoy/config/route/v3/route_pb.js";
import type { Resource } from "../model/resource.js";
import { mayBeHttp, namesOf, type Service } from "../model/service.js";
import type { OutboundMode } from "../model/sidecar.js";
import type { Snapshot } from "../model/snapshot.js";
import { encodeResource } from "./encode.js";
import { PASSTHROUGH_CLUSTER, portRoutes } from "./names.js";
import {
  bodyBound,
  PORT_WITHOUT_SERVICE,
  virtualHosts,
  virtualHostsWithoutService,
  withUniqueDomains,
} from "./routes.js";
import { routesSite } from "./scope.js";
import { virtualAddresses } from "./virtual-addresses.js";

type VirtualHostInit = MessageInitShape<typeof VirtualHostSchema>;
type RoutesInit = MessageInitShape<typeof RouteConfigurationSchema>;

const REFUSING_MARK = " !";

/** The variant of the routes for a port: that of the caller's routes, and whether it may call what is not in the mesh. */
export function portRoutesVariant(routesVariant: string, mode: OutboundMode): string {
  return mode === "REGISTRY_ONLY" ? `${routesVariant}${REFUSING_MARK}` : routesVariant;
}

/** The routes for what a workload with interception calls on a port, whatever the address. */
export function buildPortRoutes(snapshot: Snapshot, port: number, variant: string): Resource {
  const isRefusing = variant.endsWith(REFUSING_MARK);
  const site = routesSite(snapshot, isRefusing ? variant.slice(0, -REFUSING_MARK.length) : variant);
  const ofServices = site.services.flatMap((service) => {
    const servicePort = service.ports.find((candidate) => candidate.port === port);
    if (servicePort === undefined || !mayBeHttp(servicePort.protocol)) return [];
    const domains = domainsOf(snapshot, service, site.caller.namespace);
    return virtualHosts(snapshot, service, servicePort, site.caller, domains);
  });
  const ruled = port === PORT_WITHOUT_SERVICE ? virtualHostsWithoutService(snapshot, site.caller, false) : [];
  const all = withUniqueDomains([...ofServices, ...ruled, isRefusing ? refusingHost() : passthroughHost()]);
  const name = portRoutes(port);
  return encodeResource("routes", name, RouteConfigurationSchema, {
    name,
    virtualHosts: all,
    validateClusters: false,
    // All of them are of one port, and each domain costs every proxy some hundred bytes.
    ignorePortInHostMatching: true,
    ...bodyBound(all),
  });
}

/** The names and addresses by which a service is called on a port. They are matched without the port that a host has. */
function domainsOf(snapshot: Snapshot, service: Service, caller: string): string[] {
  const names = [...namesOf(service, caller)];
  // The instances of a headless service have names of their own below it.
  if (service.resolution.kind === "headless") names.push(`*.${service.host}`);
  for (const address of virtualAddresses(snapshot, service))
    if (!address.includes("/")) names.push(address.includes(":") ? `[${address}]` : address);
  return names;
}

/** Requests to hosts that are not in the mesh, at the address that the caller chose. */
function passthroughHost(): VirtualHostInit {
  return {
    name: "passthrough",
    domains: ["*"],
    routes: [
      {
        name: "passthrough",
        match: { pathSpecifier: { case: "prefix", value: "/" } },
        action: {
          case: "route",
          value: { clusterSpecifier: { case: "cluster", value: PASSTHROUGH_CLUSTER }, timeout: { seconds: 0n } },
        },
      },
    ],
    includeRequestAttemptCount: true,
  };
}

/** Routes of those who may call nothing but what is in the mesh, for a port on which nothing is. */
export function refusingRoutes(): RoutesInit {
  return { name: "refused", virtualHosts: [refusingHost()] };
}

function refusingHost(): VirtualHostInit {
  return {
    name: "refused",
    domains: ["*"],
    routes: [
      {
        name: "refused",
        match: { pathSpecifier: { case: "prefix", value: "/" } },
        action: {
          case: "directResponse",
          value: {
            status: 502,
            bodyFormat: {
              format: {
                case: "textFormatSource",
                value: {
                  specifier: {
                    case: "inlineString",
                    value:
                      "%REQ(:AUTHORITY)% is not a host of the mesh, and outboundTrafficPolicy REGISTRY_ONLY lets nothing else be called: add a Service or a ServiceEntry for it\n",
                  },
                },
              },
            },
          },
        },
      },
    ],
  };
}
