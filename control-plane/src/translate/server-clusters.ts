import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  ClusterSchema,
} from "../envoy-api/gen/envoy/config/cluster/v3/cluster_pb.js";
import type { TransportSocketSchema } from "../envoy-api/gen/envoy/config/core/v3/base_pb.js";
import { ClusterLoadAssignmentSchema } from "../envoy-api/gen/envoy/config/endpoint/v3/endpoint_pb.js";
import {
  SubjectAltNameMatcher_SanType,
  TlsParameters_TlsProtocol,
} from "../envoy-api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js";
import {
  type CommonTlsContextSchema,
  UpstreamTlsContextSchema,
} from "../envoy-api/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { HttpProtocolOptionsSchema } from "../envoy-api/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import { type Callout, type CalloutTarget, type CalloutTls, calloutTarget, isAddress } from "../model/callout.js";
import type { Resource } from "../model/resource.js";
import type { Snapshot } from "../model/snapshot.js";
import { meshTransport, serviceMetadata, statName } from "./clusters.js";
import { ADS, ADS_WITH_SHORT_WAIT } from "./config-source.js";
import { encodeResource, pack } from "./encode.js";
import { ANY_CALLER, buildEndpoints } from "./endpoints.js";
import { PUBLIC_TRUST_SECRET } from "./names.js";
import type { Ref } from "./ref.js";
import { socketAddress } from "./socket-address.js";

type ClusterInit = MessageInitShape<typeof ClusterSchema>;

/** A server that proxies call for a plugin or a policy, under a cluster of its own. */
export interface ServerSite {
  readonly cluster: string;
  /** Where a short host is looked for. */
  readonly namespace: string;
  readonly server: Server;
}

type Server = Omit<Callout, "name">;

/** What a proxy needs to call a server. The same for all proxies that do. */
export function serverRefs(
  snapshot: Pick<Snapshot, "services">,
  { cluster: name, namespace, server }: ServerSite,
): Ref[] {
  const refs: Ref[] = [{ type: "cluster", name, variant: "" }];
  if (isOfTheMesh(calloutTarget(server, namespace, snapshot.services)))
    refs.push({ type: "endpoints", name, variant: "" });
  if (server.tls !== undefined && server.tls.caCertificates === undefined)
    refs.push({ type: "secret", name: PUBLIC_TRUST_SECRET, variant: "" });
  return refs;
}

/**
 * The cluster of a server, for what its callers speak, whatever the Service says that others speak to it. Envoy's own
 * limits of connections and requests hold, so that a server that hangs cannot fill a proxy's memory.
 */
export function buildServerCluster(snapshot: Snapshot, { cluster: name, namespace, server }: ServerSite): Resource {
  const target = calloutTarget(server, namespace, snapshot.services);
  return encodeResource("cluster", name, ClusterSchema, {
    name,
    altStatName: statName(name),
    connectTimeout: { seconds: 5n },
    ...discovery(name, target, server),
    ...transport(snapshot, target, server),
    typedExtensionProtocolOptions: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(HttpProtocolOptionsSchema, {
        upstreamProtocolOptions: { case: "explicitHttpConfig", value: { protocolConfig: PROTOCOLS[server.protocol] } },
      }),
    },
  });
}

const PROTOCOLS = {
  http: { case: "httpProtocolOptions", value: {} },
  // A connection that died without a word is noticed by its pings, and not by calls that time out.
  http2: {
    case: "http2ProtocolOptions",
    value: { connectionKeepalive: { interval: { seconds: 30n }, timeout: { seconds: 5n } } },
  },
} as const;

/**
 * The endpoints of a server that is a Service: under the cluster's own name and not the Service's, because Envoy does
 * not ask again for endpoints that it has, and a new cluster would wait for them.
 */
export function buildServerEndpoints(snapshot: Snapshot, { cluster: name, namespace, server }: ServerSite): Resource {
  const target = calloutTarget(server, namespace, snapshot.services);
  // A call to a Service that is not there fails at once.
  if (target.kind !== "service")
    return encodeResource("endpoints", name, ClusterLoadAssignmentSchema, { clusterName: name });
  return buildEndpoints(snapshot, { service: target.service, port: target.port, subset: "", caller: ANY_CALLER }, name);
}

function isOfTheMesh({ kind }: CalloutTarget): boolean {
  return kind === "service" || kind === "missing";
}

type Discovery = "clusterDiscoveryType" | "edsClusterConfig" | "dnsLookupFamily" | "respectDnsTtl" | "loadAssignment";
type Transport = "metadata" | "transportSocket" | "transportSocketMatches";

function discovery(name: string, target: CalloutTarget, { port }: Server): Pick<ClusterInit, Discovery> {
  if (target.kind === "service" || target.kind === "missing")
    return {
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
      edsClusterConfig: { edsConfig: ADS_WITH_SHORT_WAIT, serviceName: name },
    };
  const lookedUp = target.kind === "dns";
  return {
    clusterDiscoveryType: {
      case: "type",
      value: lookedUp ? Cluster_DiscoveryType.STRICT_DNS : Cluster_DiscoveryType.STATIC,
    },
    ...(lookedUp ? { dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED, respectDnsTtl: true } : {}),
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: { address: socketAddress(target.host, port) } } }],
        },
      ],
    },
  };
}

function transport(snapshot: Snapshot, target: CalloutTarget, { tls }: Server): Pick<ClusterInit, Transport> {
  const metadata = target.kind === "service" ? { metadata: serviceMetadata(target.service, "") } : {};
  if (tls !== undefined) return { ...metadata, transportSocket: serverTls(tls, hostOf(target)) };
  if (target.kind !== "service") return {};
  return { ...metadata, transportSocketMatches: meshTransport(snapshot, target.service) };
}

function hostOf(target: CalloutTarget): string {
  return target.kind === "service" ? target.service.host : target.host;
}

/** TLS to a server that shows a certificate for the name, which some authority vouches for. */
function serverTls({ sni, caCertificates }: CalloutTls, host: string): MessageInitShape<typeof TransportSocketSchema> {
  const name = sni ?? host;
  const matchTypedSubjectAltNames = [
    {
      sanType: isAddress(name) ? SubjectAltNameMatcher_SanType.IP_ADDRESS : SubjectAltNameMatcher_SanType.DNS,
      matcher: { matchPattern: { case: "exact" as const, value: name } },
    },
  ];
  const validation: MessageInitShape<typeof CommonTlsContextSchema>["validationContextType"] =
    caCertificates === undefined
      ? {
          case: "combinedValidationContext",
          value: {
            defaultValidationContext: { matchTypedSubjectAltNames },
            validationContextSdsSecretConfig: { name: PUBLIC_TRUST_SECRET, sdsConfig: ADS },
          },
        }
      : {
          case: "validationContext",
          value: {
            trustedCa: { specifier: { case: "inlineString", value: caCertificates } },
            matchTypedSubjectAltNames,
          },
        };
  return {
    name: "envoy.transport_sockets.tls",
    configType: {
      case: "typedConfig",
      value: pack(UpstreamTlsContextSchema, {
        ...(isAddress(name) ? {} : { sni: name }),
        commonTlsContext: {
          tlsParams: { tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_2 },
          validationContextType: validation,
        },
      }),
    },
  };
}
