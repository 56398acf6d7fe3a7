import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  type ClusterSchema,
} from "../envoy-api/gen/envoy/config/cluster/v3/cluster_pb.js";
import { memoByIdentity } from "../model/memo.js";
import { matchesLabels } from "../model/selector.js";
import type { Service, ServiceEndpoint, ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import { socketAddress } from "./socket-address.js";

type ClusterInit = MessageInitShape<typeof ClusterSchema>;

/** How a sidecar finds who answers for a port of a service. */
export type Discovery =
  /** Those that the control plane names: of the service, or of the one that it is another name for. */
  | { readonly kind: "endpoints"; readonly service: Service; readonly port: ServicePort }
  /** Those that DNS names. */
  | { readonly kind: "dns"; readonly lookup: "strict" | "logical"; readonly endpoints: readonly ServiceEndpoint[] }
  /** The address that the caller chose. */
  | { readonly kind: "original"; readonly service: Service; readonly port: ServicePort };

/** Only where traffic is intercepted is it known which address a caller chose. */
export function discoveryOf(
  { services }: Pick<Snapshot, "services">,
  service: Service,
  port: ServicePort,
  isCaptured: boolean,
): Discovery {
  const { resolution, host } = service;
  switch (resolution.kind) {
    case "workloads":
    case "static":
      return { kind: "endpoints", service, port };
    case "headless":
      return { kind: isCaptured ? "original" : "endpoints", service, port };
    case "dns":
      return resolution.endpoints.length > 0 ? resolution : { ...resolution, endpoints: [named(host)] };
    case "original":
      if (isCaptured) return { kind: "original", service, port };
      // Nobody has the address of a wildcard.
      return host.startsWith("*")
        ? { kind: "endpoints", service, port }
        : { kind: "dns", lookup: "strict", endpoints: [named(host)] };
    case "externalName": {
      const target = services.get(resolution.host);
      const targetPort = target?.ports.find((candidate) => candidate.port === port.port);
      // A name for a name is looked up, so that names cannot go round.
      if (target === undefined || targetPort === undefined || target.resolution.kind === "externalName")
        return { kind: "dns", lookup: "strict", endpoints: [named(resolution.host)] };
      return discoveryOf({ services }, target, targetPort, isCaptured);
    }
  }
}

function named(address: string): ServiceEndpoint {
  return { address, ports: {}, labels: {}, weight: 1 };
}

const aliases = memoByIdentity((services: Snapshot["services"]) => {
  const byTarget = new Map<string, Service[]>();
  for (const service of services.values()) {
    if (service.resolution.kind !== "externalName") continue;
    const { host } = service.resolution;
    const list = byTarget.get(host);
    if (list === undefined) byTarget.set(host, [service]);
    else list.push(service);
  }
  return byTarget;
});

/** The services that are other names for a host. */
export function aliasesOf({ services }: Pick<Snapshot, "services">, host: string): readonly Service[] {
  return aliases(services).get(host) ?? [];
}

/** Where an endpoint of a service answers for a port. */
export function endpointPort(endpoint: ServiceEndpoint, port: ServicePort): number {
  return endpoint.ports[port.name] ?? port.targetPort;
}

type DnsFields = "clusterDiscoveryType" | "dnsLookupFamily" | "respectDnsTtl" | "loadAssignment";

/** The fields of a cluster that asks DNS for its endpoints: those that have the labels. */
export function dnsDiscovery(
  name: string,
  { lookup, endpoints }: Extract<Discovery, { kind: "dns" }>,
  port: ServicePort,
  labels: Readonly<Record<string, string>>,
): Pick<ClusterInit, DnsFields> {
  const found = endpoints.filter((endpoint) => matchesLabels(labels, endpoint.labels));
  return {
    clusterDiscoveryType: {
      case: "type",
      value: lookup === "strict" ? Cluster_DiscoveryType.STRICT_DNS : Cluster_DiscoveryType.LOGICAL_DNS,
    },
    dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
    respectDnsTtl: true,
    loadAssignment: {
      clusterName: name,
      endpoints:
        found.length === 0
          ? []
          : [
              {
                lbEndpoints: found.map((endpoint) => ({
                  hostIdentifier: {
                    case: "endpoint" as const,
                    value: { address: socketAddress(endpoint.address, endpointPort(endpoint, port)) },
                  },
                  loadBalancingWeight: endpoint.weight,
                })),
              },
            ],
    },
  };
}
