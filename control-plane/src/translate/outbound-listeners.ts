import { TrafficDirection } from "../envoy-api/gen/envoy/config/core/v3/base_pb.js";
import { ListenerSchema } from "../envoy-api/gen/envoy/config/listener/v3/listener_pb.js";
import type { Resource } from "../model/resource.js";
import { isHttp, mayBeHttp } from "../model/service.js";
import type { OutboundMode } from "../model/sidecar.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { tcpMetricAccessLogs } from "./access-logs.js";
import type { CallerClass } from "./caller-class.js";
import { type ConnectionChain, connectionChains } from "./connection-chains.js";
import { clusterPolicy } from "./destination-rules.js";
import { encodeResource } from "./encode.js";
import { httpConnectionManager } from "./http-connection-manager.js";
import type { ChainInit } from "./inbound-chains.js";
import type { Init } from "./init.js";
import { HTTP_VERSIONS, httpInspector, inspection, ORIGINAL_DST, tlsInspector } from "./listener-filters.js";
import { callerMetadata } from "./listener-metadata.js";
import {
  BLACK_HOLE_CLUSTER,
  INBOUND_PORT,
  OUTBOUND_PORT,
  PASSTHROUGH_CLUSTER,
  portRoutes,
  VIRTUAL_OUTBOUND,
} from "./names.js";
import { CLOSE, isClosed, networkFilters } from "./network-slots.js";
import { outboundModeOf } from "./outbound-policy.js";
import { ANY_ADDRESS, type OutboundSite, type OutboundSites } from "./outbound-sites.js";
import { pluginsFor } from "./plugin-order.js";
import { refusingRoutes } from "./port-routes.js";
import { requestLogs } from "./request-logs.js";
import { socketAddress } from "./socket-address.js";
import { tcpProxy } from "./tcp-proxy.js";
import { wildcardAddress } from "./wildcard-address.js";

/** Where all comes that a workload with interception calls; what a site is there for goes on to its listener. */
export function buildVirtualOutbound(snapshot: Snapshot, workload: Workload, sites: OutboundSites): Resource {
  const mode = outboundModeOf(snapshot, workload);
  // What is refused is told so, where it speaks HTTP.
  const refusal: ChainInit = {
    name: "refused-http",
    filterChainMatch: { transportProtocol: "raw_buffer", applicationProtocols: HTTP_VERSIONS },
    filters: [
      httpConnectionManager(snapshot, {
        workload,
        direction: "client",
        port: OUTBOUND_PORT,
        routes: { kind: "inline", routes: refusingRoutes() },
      }),
    ],
  };
  const isRefusing = mode === "REGISTRY_ONLY";
  // What goes on to a site is looked at there, if at all: a server that speaks first must not wait here.
  const served = isRefusing ? portsOf(sites) : [];
  return encodeResource("listener", VIRTUAL_OUTBOUND, ListenerSchema, {
    name: VIRTUAL_OUTBOUND,
    address: wildcardAddress(workload, OUTBOUND_PORT),
    trafficDirection: TrafficDirection.OUTBOUND,
    metadata: callerMetadata(snapshot.settings, workload),
    useOriginalDst: true,
    ...inspection("out", [ORIGINAL_DST, ...(isRefusing ? [tlsInspector(served), httpInspector(served)] : [])]),
    filterChains: [...[OUTBOUND_PORT, INBOUND_PORT].map(loopGuard), ...(isRefusing ? [refusal] : [])],
    defaultFilterChain: elsewhere(mode),
  });
}

function portsOf({ own, shared }: OutboundSites): readonly number[] {
  const ports = [...own.values(), ...shared.values()].map(({ port }) => port);
  return [...new Set(ports)].sort((a, b) => a - b);
}

/** A call to the sidecar's own port would come back here without end. */
function loopGuard(destinationPort: number): ChainInit {
  return { name: `${destinationPort}-loop`, filterChainMatch: { destinationPort }, filters: [BLACK_HOLE] };
}

const BLACK_HOLE = tcpProxy({ statPrefix: BLACK_HOLE_CLUSTER, clusters: [{ name: BLACK_HOLE_CLUSTER, weight: 1 }] });
const PASSTHROUGH = tcpProxy({ statPrefix: PASSTHROUGH_CLUSTER, clusters: [{ name: PASSTHROUGH_CLUSTER, weight: 1 }] });

/** What becomes of connections to what is not in the mesh. */
function elsewhere(mode: OutboundMode): ChainInit {
  return mode === "REGISTRY_ONLY"
    ? { name: "refused", filters: [BLACK_HOLE] }
    : { name: "passthrough", filters: [PASSTHROUGH] };
}

/** The listener of a site, for one workload. */
export function buildOwnSite(
  snapshot: Snapshot,
  site: OutboundSite,
  { workload, caller }: { readonly workload: Workload; readonly caller: CallerClass },
): Resource {
  const chains = connectionChains(snapshot, site, caller);
  const before = networkFilters(snapshot, workload, "client", site.port);
  const closed = isClosed(snapshot, workload, "client", site.port);
  const metrics = tcpMetricAccessLogs(snapshot, workload, pluginsFor(snapshot, workload, "client", site.port));
  const accessLog = [...metrics, ...requestLogs(snapshot, workload, "client", "tcp")];
  const http = site.called.filter(({ port }) => mayBeHttp(port.protocol));
  // Requests may be late where nothing else is called; a connection that goes elsewhere must be known for what it is.
  const isHttpOnly =
    http.some(({ port }) => isHttp(port.protocol)) &&
    !chains.some(({ match }) => match.transportProtocol === undefined);
  const requests: ChainInit = {
    name: "http",
    filterChainMatch: {
      transportProtocol: "raw_buffer",
      ...(isHttpOnly ? {} : { applicationProtocols: HTTP_VERSIONS }),
    },
    filters: [
      ...before,
      httpConnectionManager(snapshot, {
        workload,
        direction: "client",
        port: site.port,
        routes: { kind: "ads", name: portRoutes(site.port) },
      }),
    ],
  };
  const connections = chains.map((chain) => ({
    ...matchOf(chain),
    filters: [...before, closed ? CLOSE : tcpProxy({ ...proxySite(snapshot, site, chain, caller), accessLog })],
  }));
  const filterChains = [...(http.length > 0 ? [requests] : []), ...connections];
  const isAnywhere = site.address === ANY_ADDRESS;
  return encodeResource("listener", site.name, ListenerSchema, {
    ...(isAnywhere && { defaultFilterChain: elsewhere(outboundModeOf(snapshot, workload)) }),
    ...listener(site, filterChains, isAnywhere ? wildcardAddress(workload, site.port) : undefined),
    metadata: callerMetadata(snapshot.settings, workload),
  });
}

/** The listener of a site that is the same for all callers of a class, and that no plugin has to do with. */
export function buildSharedSite(snapshot: Snapshot, site: OutboundSite, caller: CallerClass): Resource {
  const filterChains = connectionChains(snapshot, site, caller).map((chain) => ({
    ...matchOf(chain),
    filters: [tcpProxy(proxySite(snapshot, site, chain, caller))],
  }));
  return encodeResource("listener", site.name, ListenerSchema, listener(site, filterChains));
}

function matchOf({ name, match }: ConnectionChain): ChainInit {
  return { name, ...(Object.keys(match).length > 0 && { filterChainMatch: match }) };
}

function proxySite(snapshot: Snapshot, { port }: OutboundSite, { clusters }: ConnectionChain, caller: CallerClass) {
  const [first] = clusters;
  return {
    statPrefix: `outbound_${port}`,
    // Where everything has weight 0 nothing may be called.
    clusters: clusters.length === 0 ? [{ name: BLACK_HOLE_CLUSTER, weight: 1 }] : clusters,
    // One proxy has one limit of time, so of several destinations the first one's holds.
    ...(first === undefined ? {} : { policy: clusterPolicy(snapshot, caller.namespace, first.name) }),
  };
}

function listener(
  site: OutboundSite,
  filterChains: readonly ChainInit[],
  address = socketAddress(site.address, site.port),
): Init<typeof ListenerSchema> {
  // Envoy looks for what fits level by level, and does not come back: with a chain for HTTP in plaintext, other plaintext
  // finds nothing at its level. A chain for everything must be the default to get it.
  const everything = filterChains.find(({ filterChainMatch }) => filterChainMatch === undefined);
  const others = filterChains.filter((chain) => chain !== everything);
  const matches = filterChains.map(({ filterChainMatch }) => filterChainMatch ?? {});
  const needsHttp = matches.some(({ applicationProtocols = [] }) => applicationProtocols.length > 0);
  const needsTls = needsHttp || matches.some(({ transportProtocol }) => transportProtocol !== undefined);
  return {
    name: site.name,
    address,
    trafficDirection: TrafficDirection.OUTBOUND,
    bindToPort: false,
    ...inspection("out", [...(needsTls ? [tlsInspector()] : []), ...(needsHttp ? [httpInspector()] : [])]),
    ...(everything === undefined || others.length === 0
      ? { filterChains: [...filterChains] }
      : { filterChains: others, defaultFilterChain: everything }),
  };
}
