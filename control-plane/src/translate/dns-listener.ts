import type { MessageInitShape } from "@bufbuild/protobuf";
import { SocketAddress_Protocol } from "../envoy-api/gen/envoy/config/core/v3/address_pb.js";
import { TrafficDirection } from "../envoy-api/gen/envoy/config/core/v3/base_pb.js";
import { ListenerSchema } from "../envoy-api/gen/envoy/config/listener/v3/listener_pb.js";
import type { DnsTable_DnsVirtualDomainSchema } from "../envoy-api/gen/envoy/data/dns/v3/dns_table_pb.js";
import { DnsFilterConfigSchema } from "../envoy-api/gen/envoy/extensions/filters/udp/dns_filter/v3/dns_filter_pb.js";
import { CaresDnsResolverConfigSchema } from "../envoy-api/gen/envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver_pb.js";
import { announcedInstances, instancesOf } from "../model/membership.js";
import type { Resource } from "../model/resource.js";
import { isVisibleIn, namesOf, resolveHost, type Service } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { encodeResource, pack, typedExtension } from "./encode.js";
import { ORIGINAL_DST } from "./listener-filters.js";
import { sortedServices } from "./mesh-index.js";
import { DNS_LISTENER, DNS_PORT, DNS_TCP_LISTENER, PASSTHROUGH_CLUSTER } from "./names.js";
import type { Ref } from "./ref.js";
import { socketAddress } from "./socket-address.js";
import { tcpProxy } from "./tcp-proxy.js";
import { virtualAddresses } from "./virtual-addresses.js";

type DomainInit = MessageInitShape<typeof DnsTable_DnsVirtualDomainSchema>;

/** Envoy takes no shorter one. */
const ANSWER_TTL_SECONDS = 30n;
/** Questions to the resolvers of the machine that wait for their answers at once. */
const MAX_PENDING = 1_024n;
const RESOLVER_TIMEOUT_SECONDS = 5n;
const RETRIES = 2;
/** Addresses of one answer; a packet of DNS has room for about thirty. */
const MAX_ADDRESSES = 16;

/** The loopback address, of the family of the workload's own: that is where rules redirect to. */
function dnsAddress(family: string): string {
  return family === "ipv6" ? "::1" : "127.0.0.1";
}

/** The listeners of a workload whose rules capture DNS. Workloads of one namespace share them. */
export function dnsListenerRefs({ namespace, address, capturesDns }: Workload): Ref[] {
  if (!capturesDns) return [];
  const variant = `${namespace} ${address.includes(":") ? "ipv6" : "ipv4"}`;
  return [DNS_LISTENER, DNS_TCP_LISTENER].map((name) => ({ type: "listener", name, variant }));
}

/** What one of {@link dnsListenerRefs} names. */
export function buildDnsRef({ name, variant }: Ref, snapshot: Snapshot): Resource {
  const [namespace = "", family = ""] = variant.split(" ");
  return name === DNS_TCP_LISTENER ? buildDnsTcpListener(family) : buildDnsListener(snapshot, namespace, family);
}

/**
 * Answers the DNS questions that callers of a namespace ask: names of the mesh from the snapshot, all others by the
 * resolvers that /etc/resolv.conf beside the sidecar names. Only the machine itself can ask. The same for all
 * workloads of a namespace.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/listeners/udp_filters/dns_filter
 */
function buildDnsListener(snapshot: Snapshot, namespace: string, family: string): Resource {
  return encodeResource("listener", DNS_LISTENER, ListenerSchema, {
    name: DNS_LISTENER,
    address: {
      address: {
        case: "socketAddress",
        value: {
          protocol: SocketAddress_Protocol.UDP,
          address: dnsAddress(family),
          portSpecifier: { case: "portValue", value: DNS_PORT },
        },
      },
    },
    trafficDirection: TrafficDirection.OUTBOUND,
    listenerFilters: [
      {
        name: "envoy.filters.udp.dns_filter",
        configType: {
          case: "typedConfig",
          value: pack(DnsFilterConfigSchema, {
            statPrefix: DNS_LISTENER,
            caseInsensitive: true,
            serverConfig: {
              configSource: {
                case: "inlineDnsTable",
                value: { externalRetryCount: RETRIES, virtualDomains: domains(snapshot, namespace) },
              },
            },
            clientConfig: {
              resolverTimeout: { seconds: RESOLVER_TIMEOUT_SECONDS },
              maxPendingLookups: MAX_PENDING,
              typedDnsResolverConfig: typedExtension(
                "envoy.network.dns_resolver.cares",
                CaresDnsResolverConfigSchema,
                {},
              ),
            },
          }),
        },
      },
    ],
  });
}

/**
 * Passes questions by TCP on to the server that they were sent to, also where nothing else outside of the mesh may be
 * called: Envoy's filter speaks UDP only, and who asks by TCP wants what does not fit there.
 */
function buildDnsTcpListener(family: string): Resource {
  return encodeResource("listener", DNS_TCP_LISTENER, ListenerSchema, {
    name: DNS_TCP_LISTENER,
    address: socketAddress(dnsAddress(family), DNS_PORT),
    trafficDirection: TrafficDirection.OUTBOUND,
    listenerFilters: [ORIGINAL_DST],
    filterChains: [
      { filters: [tcpProxy({ statPrefix: DNS_TCP_LISTENER, clusters: [{ name: PASSTHROUGH_CLUSTER, weight: 1 }] })] },
    ],
  });
}

/** By name; where two services have one, the first by host. */
function domains(snapshot: Snapshot, namespace: string): DomainInit[] {
  const byName = new Map<string, DomainInit>();
  for (const service of sortedServices(snapshot.services)) {
    if (!isVisibleIn(service, namespace)) continue;
    const address = addressesOf(snapshot, service, namespace).slice(0, MAX_ADDRESSES);
    if (address.length === 0) continue;
    for (const name of namesOf(service, namespace))
      if (!byName.has(name))
        byName.set(name, {
          name,
          answerTtl: { seconds: ANSWER_TTL_SECONDS },
          endpoint: { endpointConfig: { case: "addressList", value: { address } } },
        });
  }
  return [...byName.values()];
}

function addressesOf(snapshot: Snapshot, service: Service, namespace: string): readonly string[] {
  const { resolution } = service;
  if (resolution.kind === "headless") return announcedAddresses(snapshot, service);
  if (resolution.kind === "externalName") {
    // Envoy's filter has no CNAME; of a host outside of the mesh only its resolvers know.
    const target = snapshot.services.get(resolveHost(resolution.host, namespace));
    return target === undefined || target.resolution.kind === "externalName"
      ? []
      : addressesOf(snapshot, target, namespace);
  }
  // A block is no answer.
  return virtualAddresses(snapshot, service).filter((address) => !address.includes("/"));
}

/** Of the workloads that callers may choose between, each once. */
function announcedAddresses(snapshot: Snapshot, service: Service): readonly string[] {
  const { ports } = service;
  const served =
    ports.length === 0
      ? instancesOf(snapshot, service)
      : ports.flatMap((port) => announcedInstances(snapshot, service, port));
  return [...new Set(served.map(({ address }) => address))];
}
