import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from "../envoy-api/gen/envoy/config/cluster/v3/cluster_pb.js";
import { RawBufferSchema } from "../envoy-api/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js";
import { HttpProtocolOptionsSchema } from "../envoy-api/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import { compareStrings } from "../model/compare.js";
import type { Resource } from "../model/resource.js";
import { mayBeHttp, type Protocol, type Service, type ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { ADS_WITH_SHORT_WAIT } from "./config-source.js";
import { encodeResource, pack } from "./encode.js";
import { workloadsOf } from "./mesh-index.js";
import { upstreamMeshTls } from "./mesh-tls.js";
import { inboundCluster, METADATA_NAMESPACE, meshServerName, outboundCluster } from "./names.js";
import { socketAddress } from "./socket-address.js";
import { inboundIdentity } from "./workload-identity.js";
import { appPort } from "./workload-ports.js";

type ClusterInit = MessageInitShape<typeof ClusterSchema>;

const UNLIMITED = 0xffff_ffff;

/** A service's port, or a subset of it, as its callers see it. */
export function buildOutboundCluster(
  snapshot: Snapshot,
  service: Service,
  port: ServicePort,
  subset: string,
): Resource {
  const name = outboundCluster(port.port, subset, service.host);
  return encodeResource("cluster", name, ClusterSchema, {
    name,
    altStatName: statName(name),
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ADS_WITH_SHORT_WAIT, serviceName: name },
    connectTimeout: { seconds: 10n },
    lbPolicy: Cluster_LbPolicy.LEAST_REQUEST,
    circuitBreakers: {
      thresholds: [
        {
          maxConnections: UNLIMITED,
          maxPendingRequests: UNLIMITED,
          maxRequests: UNLIMITED,
          // Wherever retries are possible they are bounded by the traffic, not by a fixed number.
          retryBudget: { budgetPercent: { value: 20 }, minRetryConcurrency: 3 },
        },
      ],
    },
    ...protocolOptions(port.protocol),
    transportSocketMatches: meshTransport(snapshot, service),
    metadata: serviceMetadata(service, subset),
  });
}

/** mTLS to the service's endpoints that have a sidecar which wants it, plaintext to the others. */
export function meshTransport(
  snapshot: Snapshot,
  service: Service,
): NonNullable<ClusterInit["transportSocketMatches"]> {
  return [
    {
      name: "mtls",
      match: { tlsMode: "mtls" },
      transportSocket: upstreamMeshTls(meshServerName(service.host), peersOf(snapshot, service)),
    },
    {
      name: "plaintext",
      match: {},
      transportSocket: {
        name: "envoy.transport_sockets.raw_buffer",
        configType: { case: "typedConfig", value: pack(RawBufferSchema, {}) },
      },
    },
  ];
}

/** Whose cluster it is, for telemetry. */
export function serviceMetadata(service: Service, subset: string): NonNullable<ClusterInit["metadata"]> {
  const { host, namespace, name } = service;
  return { filterMetadata: { [METADATA_NAMESPACE]: { host, namespace, service: name, subset } } };
}

/** The identities that may answer for a service: those of its workloads. */
function peersOf(snapshot: Snapshot, service: Service): { case: "exact" | "prefix"; value: string }[] {
  const prefix = `spiffe://${snapshot.settings.trustDomain}/ns/${service.namespace}/sa/`;
  const accounts = new Set(workloadsOf(snapshot, service).map((workload) => workload.serviceAccount));
  // An empty list would accept every identity of the mesh; without workloads nobody can answer anyway.
  if (accounts.size === 0) return [{ case: "prefix", value: prefix }];
  return [...accounts].sort(compareStrings).map((account) => ({ case: "exact", value: prefix + account }));
}

/** The app's own port, behind its sidecar. */
export function buildInboundCluster(
  snapshot: Snapshot,
  workload: Workload,
  service: Service,
  port: ServicePort,
): Resource {
  const name = inboundCluster(port.port, service.host);
  return encodeResource("cluster", name, ClusterSchema, {
    name,
    altStatName: statName(name),
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    connectTimeout: { seconds: 10n },
    circuitBreakers: {
      thresholds: [{ maxConnections: UNLIMITED, maxPendingRequests: UNLIMITED, maxRequests: UNLIMITED }],
    },
    ...protocolOptions(port.protocol),
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [
            {
              hostIdentifier: {
                case: "endpoint",
                value: {
                  address: socketAddress("127.0.0.1", appPort(workload, port)),
                },
              },
              metadata: {
                filterMetadata: {
                  [METADATA_NAMESPACE]: { identity: inboundIdentity(snapshot, workload, service) },
                },
              },
            },
          ],
        },
      ],
    },
  });
}

/** Envoy takes a cluster's name apart at its dots; without them it stays whole in the label `envoy_cluster_name`. */
export function statName(clusterName: string): string {
  return clusterName.replaceAll(".", "_");
}

function protocolOptions(protocol: Protocol): Pick<ClusterInit, "typedExtensionProtocolOptions"> {
  if (!mayBeHttp(protocol)) return {};
  const upstream: MessageInitShape<typeof HttpProtocolOptionsSchema>["upstreamProtocolOptions"] =
    protocol === "http2"
      ? {
          case: "explicitHttpConfig",
          value: { protocolConfig: { case: "http2ProtocolOptions", value: {} } },
        }
      : { case: "useDownstreamProtocolConfig", value: { httpProtocolOptions: {}, http2ProtocolOptions: {} } };
  return {
    typedExtensionProtocolOptions: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(HttpProtocolOptionsSchema, {
        upstreamProtocolOptions: upstream,
      }),
    },
  };
}
