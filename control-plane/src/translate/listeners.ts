import type { MessageInitShape } from "@bufbuild/protobuf";
import { TrafficDirection } from "../envoy-api/gen/envoy/config/core/v3/base_pb.js";
import type {
  FilterChainSchema,
  FilterSchema,
} from "../envoy-api/gen/envoy/config/listener/v3/listener_components_pb.js";
import { ListenerSchema } from "../envoy-api/gen/envoy/config/listener/v3/listener_pb.js";
import { TlsInspectorSchema } from "../envoy-api/gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js";
import { TcpProxySchema } from "../envoy-api/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import { mtlsModeFor } from "../model/peer-authentication.js";
import type { Resource } from "../model/resource.js";
import type { Service, ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { encodeResource, pack } from "./encode.js";
import { httpConnectionManager } from "./http-connection-manager.js";
import { downstreamMeshTls } from "./mesh-tls.js";
import {
  inboundCluster,
  inboundListener,
  MESH_SNI_SUFFIX,
  OUTBOUND_LISTENER,
  OUTBOUND_PORT,
  OUTBOUND_ROUTES,
} from "./names.js";
import { socketAddress } from "./socket-address.js";

type ChainInit = MessageInitShape<typeof FilterChainSchema>;

/** Where a workload's app sends its requests: by Host, or as its `http_proxy`. */
export function buildOutboundListener(snapshot: Snapshot, workload: Workload): Resource {
  return encodeResource("listener", OUTBOUND_LISTENER, ListenerSchema, {
    name: OUTBOUND_LISTENER,
    address: socketAddress(workload.address, OUTBOUND_PORT),
    trafficDirection: TrafficDirection.OUTBOUND,
    filterChains: [
      {
        filters: [
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
  const mode = mtlsModeFor(workload, snapshot.peerAuthentications.values(), snapshot.settings.rootNamespace);
  const cluster = inboundCluster(port.port, service.host);
  const app = inboundFilter(snapshot, workload, port, cluster);
  const mesh: ChainInit = {
    name: "mesh-tls",
    filterChainMatch: { transportProtocol: "tls", serverNames: [`*.${MESH_SNI_SUFFIX}`] },
    transportSocket: downstreamMeshTls(snapshot.settings.trustDomain),
    filters: [app],
  };
  const appTls: ChainInit = {
    name: "app-tls",
    filterChainMatch: { transportProtocol: "tls" },
    filters: [tcpProxy(port.port, cluster)],
  };
  const plaintext: ChainInit = {
    name: "plaintext",
    filterChainMatch: { transportProtocol: "raw_buffer" },
    filters: [app],
  };
  return encodeResource("listener", name, ListenerSchema, {
    name,
    address: socketAddress(workload.address, port.port),
    trafficDirection: TrafficDirection.INBOUND,
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

function inboundFilter(
  snapshot: Snapshot,
  workload: Workload,
  port: ServicePort,
  cluster: string,
): MessageInitShape<typeof FilterSchema> {
  if (port.protocol === "tcp") return tcpProxy(port.port, cluster);
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

function tcpProxy(port: number, cluster: string): MessageInitShape<typeof FilterSchema> {
  return {
    name: "envoy.filters.network.tcp_proxy",
    configType: {
      case: "typedConfig",
      value: pack(TcpProxySchema, {
        statPrefix: `inbound_${port}`,
        clusterSpecifier: { case: "cluster", value: cluster },
      }),
    },
  };
}
