import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LbEndpointSchema } from "../envoy-api/gen/envoy/config/endpoint/v3/endpoint_components_pb.js";
import { ClusterLoadAssignmentSchema } from "../envoy-api/gen/envoy/config/endpoint/v3/endpoint_pb.js";
import type { DestinationRule } from "../model/destination-rule.js";
import { announcedInstances, instancePort, preferStaying } from "../model/membership.js";
import type { Resource } from "../model/resource.js";
import { type Labels, matchesLabels } from "../model/selector.js";
import type { Service, ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import { policyFor, type TrafficPolicy } from "../model/traffic-policy.js";
import type { Workload } from "../model/workload.js";
import { encodeResource } from "./encode.js";
import { type CallerPlace, localityGroups, type PlacedEndpoint } from "./locality-endpoints.js";
import { localityBalancing } from "./locality-policy.js";
import { mtlsModeAt, mtlsModeOfPort } from "./mtls-mode.js";
import { METADATA_NAMESPACE, outboundCluster } from "./names.js";
import { discoveryOf, endpointPort } from "./service-discovery.js";
import { socketAddress } from "./socket-address.js";
import { identityText } from "./workload-identity.js";

/** Whose endpoints are wanted, for which callers. */
export interface EndpointsSite {
  readonly service: Service;
  readonly port: ServicePort;
  /** "" for all of the service. */
  readonly subset: string;
  /** The DestinationRule in force for the callers. */
  readonly rule?: DestinationRule;
  readonly caller: CallerPlace;
}

/** A caller that is not told apart from others. */
export const ANY_CALLER: CallerPlace = { locality: "", labels: {} };

/** Who answers for a service's port, or for a subset of it; `name` is that of a cluster of its own for the same. */
export function buildEndpoints(
  snapshot: Snapshot,
  site: EndpointsSite,
  name = outboundCluster(site.port.port, site.subset, site.service.host),
): Resource {
  const { service, port, subset, rule, caller } = site;
  const policy = policyFor(rule, subset, port.port);
  const labels = subset === "" ? {} : rule?.subsets.find((s) => s.name === subset)?.labels;
  const found = discoveryOf(snapshot, service, port, false);
  const endpoints =
    labels === undefined || found.kind !== "endpoints"
      ? []
      : preferStaying(
          [
            ...workloadEndpoints(snapshot, { ...site, behind: found, policy }),
            ...staticEndpoints(found.service, found.port),
          ].filter((endpoint) => matchesLabels(labels, endpoint.labels)),
        );
  return encodeResource("endpoints", name, ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints: localityGroups(endpoints, localityBalancing(policy), caller),
  });
}

interface LeavingEndpoint extends PlacedEndpoint {
  /** It is for callers that find nobody else. */
  readonly isLeaving: boolean;
}

/** The service that answers, perhaps under another name, and how it is treated. */
interface Behind extends EndpointsSite {
  readonly behind: { readonly service: Service; readonly port: ServicePort };
  readonly policy: TrafficPolicy;
}

function workloadEndpoints(snapshot: Snapshot, site: Behind): LeavingEndpoint[] {
  const { service, port } = site.behind;
  return announcedInstances(snapshot, service, port).flatMap((instance) => {
    const called = instancePort(instance, port);
    if (called === undefined) return [];
    const { address, workload, isLeaving } = instance;
    const { locality = "", labels = NO_LABELS, weight = 1 } = workload ?? {};
    const endpoint =
      workload === undefined
        ? plainEndpoint(address, called, weight)
        : lbEndpoint(snapshot, { workload, address, called }, site);
    return [{ locality, labels, weight, isLeaving, endpoint }];
  });
}

const NO_LABELS: Labels = {};

function plainEndpoint(address: string, port: number, weight: number): MessageInitShape<typeof LbEndpointSchema> {
  return {
    hostIdentifier: { case: "endpoint", value: { address: socketAddress(address, port) } },
    loadBalancingWeight: weight,
  };
}

/** Istio's label of an endpoint that takes mTLS. */
const TLS_MODE_LABEL = "security.istio.io/tlsMode";

/** Endpoints that stand in the service itself. Nothing but their labels says whether a sidecar is beside them. */
function staticEndpoints({ resolution, location }: Service, port: ServicePort): LeavingEndpoint[] {
  if (resolution.kind !== "static") return [];
  return resolution.endpoints.map((endpoint) => {
    const { address, labels, locality = "", weight } = endpoint;
    const mtls = location === "internal" && labels[TLS_MODE_LABEL] === "istio";
    return {
      locality,
      labels,
      weight,
      isLeaving: false,
      endpoint: {
        hostIdentifier: {
          case: "endpoint",
          value: { address: socketAddress(address, endpointPort(endpoint, port)) },
        },
        loadBalancingWeight: weight,
        ...(mtls && { metadata: { filterMetadata: { "envoy.transport_socket_match": { tlsMode: "mtls" } } } }),
      },
    };
  });
}

function lbEndpoint(
  snapshot: Snapshot,
  { workload, address, called }: { readonly workload: Workload; readonly address: string; readonly called: number },
  { service, subset, behind, policy: { tls } }: Behind,
): MessageInitShape<typeof LbEndpointSchema> {
  // What the cluster says of a pod's port holds also where no selector names the pod.
  const mode =
    workload.pod === undefined
      ? mtlsModeAt(snapshot, workload, behind.port)
      : mtlsModeOfPort(snapshot, workload, called);
  const mtls = workload.hasSidecar && mode !== "DISABLE" && behind.service.location === "internal";
  const certified = tls === undefined ? mtls : tls.mode === "ISTIO_MUTUAL";
  return {
    hostIdentifier: {
      case: "endpoint",
      value: {
        address: socketAddress(address, called),
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
            certified,
            host: service.host,
            subset,
          }),
        },
      },
    },
  };
}
