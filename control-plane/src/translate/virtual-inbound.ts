import { TrafficDirection } from "../envoy-api/gen/envoy/config/core/v3/base_pb.js";
import { ListenerSchema } from "../envoy-api/gen/envoy/config/listener/v3/listener_pb.js";
import type { Resource } from "../model/resource.js";
import type { Service } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { inboundPort } from "../model/workload-ports.js";
import { tcpPolicyFilters } from "./authorization-filters.js";
import { encodeResource } from "./encode.js";
import { type ChainInit, inboundChains, inspectionOf } from "./inbound-chains.js";
import { type InboundSite, inboundSites } from "./inbound-sites.js";
import { httpInspectorOn, inspection, ORIGINAL_DST, tlsInspector } from "./listener-filters.js";
import { listenerMetadata } from "./listener-metadata.js";
import { downstreamMeshTls } from "./mesh-tls.js";
import { mtlsModeAt, mtlsModeOfPort, portsOfPolicies } from "./mtls-mode.js";
import {
  ANY_PORT,
  BLACK_HOLE_CLUSTER,
  INBOUND_PASSTHROUGH_CLUSTER,
  INBOUND_PORT,
  MESH_SNI_SUFFIX,
  OUTBOUND_PORT,
  VIRTUAL_INBOUND,
} from "./names.js";
import { tcpProxy } from "./tcp-proxy.js";
import { wildcardAddress } from "./wildcard-address.js";
import { identityText, workloadIdentity } from "./workload-identity.js";

/**
 * Where all arrives that a workload with interception is sent, whatever the port. Chains, and not listeners of their own,
 * have the ports: a connection handed on to another listener could land in one for what the workload calls.
 */
export function buildVirtualInbound(snapshot: Snapshot, workload: Workload): Resource {
  const sites = inboundSites(snapshot, workload);
  const hosts = new Set(sites.map(({ service }) => service.host));
  const uninspected: number[] = [];
  const auto: number[] = [];
  for (const site of sites) {
    const { tls, http } = inspectionOf(site.port.protocol, mtlsModeAt(snapshot, site.workload, site.port));
    if (!tls) uninspected.push(inboundPort(site.workload, site.port));
    if (http) auto.push(inboundPort(site.workload, site.port));
  }
  return encodeResource("listener", VIRTUAL_INBOUND, ListenerSchema, {
    name: VIRTUAL_INBOUND,
    address: wildcardAddress(workload, INBOUND_PORT),
    trafficDirection: TrafficDirection.INBOUND,
    metadata: listenerMetadata({
      reporter: "destination",
      ...workloadIdentity(workload),
      // Of several services the listener cannot know which is called; the endpoint behind each chain says it.
      ...(hosts.size === 1 && sites[0] !== undefined && serviceValues(sites[0].service)),
      identity: identityText(snapshot.settings, {
        kind: "in",
        workload,
        certified: true,
        host: hosts.size === 1 ? (sites[0]?.service.host ?? "") : "",
      }),
    }),
    ...inspection("in", [ORIGINAL_DST, tlsInspector(uninspected), ...(auto.length > 0 ? [httpInspectorOn(auto)] : [])]),
    filterChains: [
      ...GUARDED.map(loopGuard),
      ...sites.flatMap((site) => [...inboundChains(snapshot, site), ...refusal(snapshot, site)]),
      ...passthroughChains(snapshot, workload, new Set(sites.map((site) => inboundPort(site.workload, site.port)))),
    ],
  });
}

function serviceValues({ name, namespace, host }: Service): Readonly<Record<string, string>> {
  return { service: name, service_namespace: namespace, service_host: host };
}

/** The sidecar's own ports are nobody's to call: passed on, such a connection would come back here without end. */
const GUARDED: readonly number[] = [OUTBOUND_PORT, INBOUND_PORT];

const BLACK_HOLE = tcpProxy({ statPrefix: BLACK_HOLE_CLUSTER, clusters: [{ name: BLACK_HOLE_CLUSTER, weight: 1 }] });

function loopGuard(destinationPort: number): ChainInit {
  return { name: `${destinationPort}-loop`, filterChainMatch: { destinationPort }, filters: [BLACK_HOLE] };
}

/** What a port wants in mesh TLS only must not fall through to the chains of other ports. */
function refusal(snapshot: Snapshot, { workload, port }: InboundSite): ChainInit[] {
  if (mtlsModeAt(snapshot, workload, port) !== "STRICT") return [];
  const destinationPort = inboundPort(workload, port);
  return [{ name: `${destinationPort}-refused`, filterChainMatch: { destinationPort }, filters: [BLACK_HOLE] }];
}

/** What no service names is not free of policies. */
const PASSTHROUGH = [
  ...tcpPolicyFilters(ANY_PORT),
  tcpProxy({
    statPrefix: INBOUND_PASSTHROUGH_CLUSTER,
    clusters: [{ name: INBOUND_PASSTHROUGH_CLUSTER, weight: 1 }],
  }),
];

/** Ports that no service names, in mesh TLS where a policy lets it be: those that policies name, and all others. */
function passthroughChains(snapshot: Snapshot, workload: Workload, served: ReadonlySet<number>): ChainInit[] {
  const ports = portsOfPolicies(snapshot, workload).filter((port) => !served.has(port) && !GUARDED.includes(port));
  return [...ports, ANY_PORT].flatMap((port) => {
    const mode = mtlsModeOfPort(snapshot, workload, port);
    const match = port === ANY_PORT ? {} : { destinationPort: port };
    const name = port === ANY_PORT ? "passthrough" : `${port}-passthrough`;
    const secure: ChainInit = {
      name: `${name}-mesh-tls`,
      filterChainMatch: { ...match, transportProtocol: "tls", serverNames: [`*.${MESH_SNI_SUFFIX}`] },
      transportSocket: downstreamMeshTls(snapshot.settings.trustDomain),
      filters: PASSTHROUGH,
    };
    const open: ChainInit = { name, filterChainMatch: match, filters: PASSTHROUGH };
    const refused: ChainInit = { name: `${name}-refused`, filterChainMatch: match, filters: [BLACK_HOLE] };
    return { STRICT: [secure, refused], PERMISSIVE: [secure, open], DISABLE: [open] }[mode];
  });
}
