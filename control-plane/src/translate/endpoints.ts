import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LbEndpointSchema } from "../envoy-api/gen/envoy/config/endpoint/v3/endpoint_components_pb.js";
import { ClusterLoadAssignmentSchema } from "../envoy-api/gen/envoy/config/endpoint/v3/endpoint_pb.js";
import type { Resource } from "../model/resource.js";
import { matchesLabels } from "../model/selector.js";
import type { Service, ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { encodeResource } from "./encode.js";
import { subsetsOf, workloadsOf } from "./mesh-index.js";
import { mtlsModeAt } from "./mtls-mode.js";
import { METADATA_NAMESPACE, outboundCluster } from "./names.js";
import { socketAddress } from "./socket-address.js";
import { identityText } from "./workload-identity.js";
import { calledPort } from "./workload-ports.js";

/** Who answers for a service's port, or for a subset of it; `name` is that of a cluster of its own for the same. */
export function buildEndpoints(
  snapshot: Snapshot,
  service: Service,
  port: ServicePort,
  subset: string,
  name = outboundCluster(port.port, subset, service.host),
): Resource {
  const labels = subset === "" ? {} : subsetsOf(snapshot, service.host).find((s) => s.name === subset)?.labels;
  const workloads =
    labels === undefined ? [] : workloadsOf(snapshot, service).filter((w) => matchesLabels(labels, w.labels));
  return encodeResource("endpoints", name, ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints:
      workloads.length === 0
        ? []
        : [{ lbEndpoints: workloads.map((w) => lbEndpoint(snapshot, w, { service, port, subset })) }],
  });
}

function lbEndpoint(
  snapshot: Snapshot,
  workload: Workload,
  { service, port, subset }: { readonly service: Service; readonly port: ServicePort; readonly subset: string },
): MessageInitShape<typeof LbEndpointSchema> {
  const mode = mtlsModeAt(snapshot, workload, port);
  const mtls = workload.hasSidecar && mode !== "DISABLE";
  return {
    hostIdentifier: {
      case: "endpoint",
      value: {
        address: socketAddress(workload.address, calledPort(workload, port)),
      },
    },
    loadBalancingWeight: workload.weight,
    metadata: {
      filterMetadata: {
        ...(mtls ? { "envoy.transport_socket_match": { tlsMode: "mtls" } } : {}),
        [METADATA_NAMESPACE]: {
          namespace: workload.namespace,
          workload: workload.name,
          identity: identityText(snapshot.settings, {
            kind: "out",
            workload,
            certified: mtls,
            host: service.host,
            subset,
          }),
        },
      },
    },
  };
}
