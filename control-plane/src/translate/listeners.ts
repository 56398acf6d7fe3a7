import type { MessageInitShape } from "@bufbuild/protobuf";
import { type MetadataSchema, TrafficDirection } from "../envoy-api/gen/envoy/config/core/v3/base_pb.js";
import type {
  FilterChainSchema,
  FilterSchema,
} from "../envoy-api/gen/envoy/config/listener/v3/listener_components_pb.js";
import { ListenerSchema } from "../envoy-api/gen/envoy/config/listener/v3/listener_pb.js";
import { TlsInspectorSchema } from "../envoy-api/gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js";
import {
  TcpProxySchema,
  UpstreamConnectMode,
} from "../envoy-api/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import type { Resource } from "../model/resource.js";
import { isHttp, type Service, type ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { tcpMetricAccessLogs } from "./access-logs.js";
import { tcpPolicyFilters } from "./authorization-filters.js";
import { encodeResource, pack } from "./encode.js";
import { httpConnectionManager } from "./http-connection-manager.js";
import { downstreamMeshTls } from "./mesh-tls.js";
import { mtlsModeAt } from "./mtls-mode.js";
import {
  inboundCluster,
  inboundListener,
  MESH_SNI_SUFFIX,
  METADATA_NAMESPACE,
  OUTBOUND_LISTENER,
  OUTBOUND_PORT,
  OUTBOUND_ROUTES,
} from "./names.js";
import { CLOSE, isClosed, networkFilters } from "./network-slots.js";
import { pluginsFor } from "./plugin-order.js";
import { requestLogs } from "./request-logs.js";
import { socketAddress } from "./socket-address.js";
import { identityText, inboundIdentity, workloadIdentity } from "./workload-identity.js";

type ChainInit = MessageInitShape<typeof FilterChainSchema>;

/** Where a workload's app sends its requests: by Host, or as its `http_proxy`. */
export function buildOutboundListener(snapshot: Snapshot, workload: Workload): Resource {
  return encodeResource("listener", OUTBOUND_LISTENER, ListenerSchema, {
    name: OUTBOUND_LISTENER,
    address: socketAddress(workload.address, OUTBOUND_PORT),
    trafficDirection: TrafficDirection.OUTBOUND,
    metadata: listenerMetadata({
      reporter: "source",
      ...workloadIdentity(workload),
      identity: identityText(snapshot.settings, { kind: "own", workload, certified: true }),
    }),
    filterChains: [
      {
        filters: [
          ...networkFilters(snapshot, workload, "client", OUTBOUND_PORT),
          httpConnectionManager(snapshot, {
            workload,
            direction: "client",
            port: OUTBOUND_PORT,
            routes: { kind: "ads", name: OUTBOUND_ROUTES },
          }),
        ],
      },
    ],
  });
}

/**
 * Where a workload is called on a port of its service. Which of the chains stand there is the PeerAuthentication's
 * matter: mesh TLS is known by its server name, an app's own TLS is passed on, and what has no chain is refused.
 */
export function buildInboundListener(
  snapshot: Snapshot,
  workload: Workload,
  service: Service,
  port: ServicePort,
): Resource {
  const name = inboundListener(port.port);
  const mode = mtlsModeAt(snapshot, workload, port);
  const cluster = inboundCluster(port.port, service.host);
  const before = networkFilters(snapshot, workload, "server", port.port);
  const closed = isClosed(snapshot, workload, "server", port.port);
  const tcp = (isMesh: boolean) => [
    ...tcpPolicyFilters(port.port),
    ...before,
    closed ? CLOSE : tcpProxy(snapshot, workload, { port, cluster, isMesh }),
  ];
  const app = (isMesh: boolean) =>
    isHttp(port.protocol) ? [...before, inboundHttp(snapshot, workload, port, cluster)] : tcp(isMesh);
  const mesh: ChainInit = {
    name: "mesh-tls",
    filterChainMatch: { transportProtocol: "tls", serverNames: [`*.${MESH_SNI_SUFFIX}`] },
    transportSocket: downstreamMeshTls(snapshot.settings.trustDomain),
    filters: app(true),
  };
  const appTls: ChainInit = {
    name: "app-tls",
    filterChainMatch: { transportProtocol: "tls" },
    filters: tcp(false),
  };
  const plaintext: ChainInit = {
    name: "plaintext",
    filterChainMatch: { transportProtocol: "raw_buffer" },
    filters: app(false),
  };
  return encodeResource("listener", name, ListenerSchema, {
    name,
    address: socketAddress(workload.address, port.port),
    trafficDirection: TrafficDirection.INBOUND,
    metadata: listenerMetadata({
      reporter: "destination",
      ...workloadIdentity(workload),
      service: service.name,
      service_namespace: service.namespace,
      service_host: service.host,
      identity: inboundIdentity(snapshot, workload, service),
    }),
    listenerFilters: [
      {
        name: "envoy.filters.listener.tls_inspector",
        configType: { case: "typedConfig", value: pack(TlsInspectorSchema, {}) },
      },
    ],
    filterChains: {
      STRICT: [mesh],
      PERMISSIVE: [mesh, appTls, plaintext],
      DISABLE: [appTls, plaintext],
    }[mode],
  });
}

/** What formats such as `%METADATA(LISTENER:weft.mesh:workload)%` and plugins read: whose listener it is. */
function listenerMetadata(values: Readonly<Record<string, string>>): MessageInitShape<typeof MetadataSchema> {
  return { filterMetadata: { [METADATA_NAMESPACE]: values } };
}

function inboundHttp(
  snapshot: Snapshot,
  workload: Workload,
  port: ServicePort,
  cluster: string,
): MessageInitShape<typeof FilterSchema> {
  return httpConnectionManager(snapshot, {
    workload,
    direction: "server",
    port: port.port,
    routes: {
      kind: "inline",
      routes: {
        name: inboundListener(port.port),
        virtualHosts: [
          {
            name: inboundListener(port.port),
            domains: ["*"],
            routes: [
              {
                name: "app",
                match: { pathSpecifier: { case: "prefix", value: "/" } },
                action: {
                  case: "route",
                  value: { clusterSpecifier: { case: "cluster", value: cluster }, timeout: { seconds: 0n } },
                },
              },
            ],
          },
        ],
      },
    },
  });
}

/** What a caller may send before its handshake is over and the app is called. */
const MAX_EARLY_DATA_BYTES = 65_536;

function tcpProxy(
  snapshot: Snapshot,
  workload: Workload,
  {
    port: { port },
    cluster,
    isMesh,
  }: { readonly port: ServicePort; readonly cluster: string; readonly isMesh: boolean },
): MessageInitShape<typeof FilterSchema> {
  const metrics = tcpMetricAccessLogs(snapshot, workload, pluginsFor(snapshot, workload, "server", port));
  const accessLog = [...metrics, ...requestLogs(snapshot, workload, "server", "tcp")];
  return {
    name: "envoy.filters.network.tcp_proxy",
    configType: {
      case: "typedConfig",
      value: pack(TcpProxySchema, {
        statPrefix: `inbound_${port}`,
        clusterSpecifier: { case: "cluster", value: cluster },
        ...(accessLog.length === 0 ? {} : { accessLog, accessLogOptions: { flushAccessLogOnConnected: true } }),
        // Else the app is called while the caller's name is not known yet, and the connection is counted without it.
        ...(metrics.length > 0 && isMesh
          ? {
              upstreamConnectMode: UpstreamConnectMode.ON_DOWNSTREAM_TLS_HANDSHAKE,
              maxEarlyDataBytes: MAX_EARLY_DATA_BYTES,
            }
          : {}),
      }),
    },
  };
}
