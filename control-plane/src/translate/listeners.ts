import { TrafficDirection } from "../envoy-api/gen/envoy/config/core/v3/base_pb.js";
import { ListenerSchema } from "../envoy-api/gen/envoy/config/listener/v3/listener_pb.js";
import type { Resource } from "../model/resource.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { encodeResource } from "./encode.js";
import { httpConnectionManager } from "./http-connection-manager.js";
import { inboundChains, inspectionOf } from "./inbound-chains.js";
import type { InboundSite } from "./inbound-sites.js";
import { httpInspector, inspection, tlsInspector } from "./listener-filters.js";
import { callerMetadata, listenerMetadata } from "./listener-metadata.js";
import { mtlsModeAt } from "./mtls-mode.js";
import { inboundListener, OUTBOUND_LISTENER, OUTBOUND_PORT, OUTBOUND_ROUTES } from "./names.js";
import { networkFilters } from "./network-slots.js";
import { socketAddress } from "./socket-address.js";
import { inboundIdentity, workloadIdentity } from "./workload-identity.js";

/** Where a workload's app sends its requests: by Host, or as its `http_proxy`. */
export function buildOutboundListener(snapshot: Snapshot, workload: Workload): Resource {
  return encodeResource("listener", OUTBOUND_LISTENER, ListenerSchema, {
    name: OUTBOUND_LISTENER,
    address: socketAddress(workload.address, OUTBOUND_PORT),
    trafficDirection: TrafficDirection.OUTBOUND,
    metadata: callerMetadata(snapshot.settings, workload),
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

/** Where a workload without interception is called on a port of its service. */
export function buildInboundListener(snapshot: Snapshot, site: InboundSite): Resource {
  const { workload, service, port } = site;
  const name = inboundListener(port.port);
  const inspected = inspectionOf(port.protocol, mtlsModeAt(snapshot, workload, port));
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
    ...inspection("in", [...(inspected.tls ? [tlsInspector()] : []), ...(inspected.http ? [httpInspector()] : [])]),
    filterChains: inboundChains(snapshot, site),
  });
}
