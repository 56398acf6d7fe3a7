import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from "../envoy-api/gen/envoy/config/cluster/v3/cluster_pb.js";
import { RawBufferSchema } from "../envoy-api/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js";
import { compareStrings } from "../model/compare.js";
import { instancesOf, leftBehind, workloadsOf } from "../model/membership.js";
import type { Resource } from "../model/resource.js";
import type { Labels } from "../model/selector.js";
import { isHttp, type Service, type ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { TrafficPolicy } from "../model/traffic-policy.js";
import type { Workload } from "../model/workload.js";
import { appPort, inboundPort } from "../model/workload-ports.js";
import { NO_LIMITS } from "./circuit-breakers.js";
import { ADS_WITH_SHORT_WAIT } from "./config-source.js";
import { encodeResource, pack } from "./encode.js";
import { httpProtocolOptions } from "./http-protocol-options.js";
import { upstreamMeshTls } from "./mesh-tls.js";
import { mtlsModeAt } from "./mtls-mode.js";
import { inboundCluster, METADATA_NAMESPACE, meshServerName, outboundCluster } from "./names.js";
import { APP_BIND } from "./passthrough-clusters.js";
import { type Discovery, discoveryOf, dnsDiscovery } from "./service-discovery.js";
import { socketAddress } from "./socket-address.js";
import { trafficPolicyFields } from "./traffic-policy.js";
import { outsideTls } from "./upstream-tls.js";
import { inboundIdentity } from "./workload-identity.js";

type ClusterInit = MessageInitShape<typeof ClusterSchema>;

/** What an outbound cluster is for, and how its callers treat it. */
export interface OutboundSite {
  readonly service: Service;
  readonly port: ServicePort;
  /** "" for all of the service. */
  readonly subset: string;
  /** That the subset asks for. */
  readonly labels: Labels;
  readonly policy: TrafficPolicy;
  /** Whether it is known which address the caller chose. */
  readonly isCaptured: boolean;
}

/** A service's port, or a subset of it, as its callers see it. */
export function buildOutboundCluster(snapshot: Snapshot, site: OutboundSite): Resource {
  const { service, port, subset, policy } = site;
  const name = outboundCluster(port.port, subset, service.host);
  const found = discoveryOf(snapshot, service, port, site.isCaptured);
  return encodeResource("cluster", name, ClusterSchema, {
    name,
    altStatName: statName(name),
    ...trafficPolicyFields(policy, port.protocol),
    ...discovery(name, site, found),
    ...transport(snapshot, site, found),
    metadata: serviceMetadata(service, subset),
  });
}

type DiscoveryFields =
  | "clusterDiscoveryType"
  | "edsClusterConfig"
  | "dnsLookupFamily"
  | "respectDnsTtl"
  | "loadAssignment"
  | "lbPolicy"
  | "lbConfig";

function discovery(
  name: string,
  { port, labels, policy: { loadBalancer } }: OutboundSite,
  found: Discovery,
): Pick<ClusterInit, DiscoveryFields> {
  if (found.kind === "original" || loadBalancer?.algorithm?.kind === "PASSTHROUGH")
    return {
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
      // Nothing is to be chosen.
      lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
      lbConfig: { case: undefined },
    };
  if (found.kind === "dns") return dnsDiscovery(name, found, port, labels);
  return {
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ADS_WITH_SHORT_WAIT, serviceName: name },
  };
}

/** A policy's TLS is for all endpoints; without one each is called as it wants. */
function transport(
  snapshot: Snapshot,
  { service, port, policy: { tls } }: OutboundSite,
  found: Discovery,
): Pick<ClusterInit, "transportSocket" | "transportSocketMatches"> {
  if (tls === undefined) {
    if (found.kind === "endpoints" && found.service.location === "internal")
      return { transportSocketMatches: meshTransport(snapshot, found.service) };
    // Of what the caller chose by its address nothing is known but whose it is.
    if (found.kind === "original" && wantsMtls(snapshot, found.service, found.port))
      return { transportSocket: meshMtls(snapshot, found.service) };
    return {};
  }
  switch (tls.mode) {
    case "DISABLE":
      return {};
    case "ISTIO_MUTUAL":
      return { transportSocket: meshMtls(snapshot, service, tls.subjectAltNames) };
    default: {
      const names = tls.subjectAltNames.length > 0 ? tls.subjectAltNames : service.subjectAltNames;
      return {
        transportSocket: outsideTls(
          { ...tls, subjectAltNames: names },
          isHttp(port.protocol) ? undefined : service.host,
        ),
      };
    }
  }
}

/** Whether every workload behind a service's port takes mTLS. */
function wantsMtls(snapshot: Snapshot, service: Service, port: ServicePort): boolean {
  const instances = instancesOf(snapshot, service);
  return (
    instances.length > 0 &&
    instances.every(
      ({ workload }) => workload?.hasSidecar === true && mtlsModeAt(snapshot, workload, port) !== "DISABLE",
    )
  );
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
      transportSocket: meshMtls(snapshot, service),
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

/** mTLS to whoever shows one of these identities; when none is named, one of the service's workloads. */
function meshMtls(snapshot: Snapshot, service: Service, identities: readonly string[] = []) {
  const named = identities.map((value) => ({ case: "exact" as const, value }));
  return upstreamMeshTls(meshServerName(service.host), named.length > 0 ? named : peersOf(snapshot, service));
}

/** Whose cluster it is, for telemetry. */
export function serviceMetadata(service: Service, subset: string): NonNullable<ClusterInit["metadata"]> {
  const { host, namespace, name } = service;
  return { filterMetadata: { [METADATA_NAMESPACE]: { host, namespace, service: name, subset } } };
}

/** The identities that may answer for a service: those that it names, else those of its workloads and endpoints. */
function peersOf(snapshot: Snapshot, service: Service): { case: "exact" | "prefix"; value: string }[] {
  const { resolution, subjectAltNames } = service;
  if (subjectAltNames.length > 0) return subjectAltNames.map((value) => ({ case: "exact", value }));
  const prefix = `spiffe://${snapshot.settings.trustDomain}/ns/${service.namespace}/sa/`;
  const left = leftBehind(snapshot.handovers, service).map(({ workload }) => workload);
  const accounts = new Set([...workloadsOf(snapshot, service), ...left].map(({ serviceAccount }) => serviceAccount));
  for (const { serviceAccount } of resolution.kind === "static" ? resolution.endpoints : [])
    if (serviceAccount !== undefined) accounts.add(serviceAccount);
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
  const isCaptured = workload.interception === "redirect";
  const name = inboundCluster(inboundPort(workload, port), service.host);
  return encodeResource("cluster", name, ClusterSchema, {
    name,
    altStatName: statName(name),
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    connectTimeout: { seconds: 10n },
    ...(isCaptured && { upstreamBindConfig: APP_BIND }),
    circuitBreakers: NO_LIMITS,
    ...httpProtocolOptions({}, port.protocol),
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [
            {
              hostIdentifier: {
                case: "endpoint",
                value: {
                  // With interception the app has the address to itself, and listens there.
                  address: socketAddress(isCaptured ? workload.address : "127.0.0.1", appPort(workload, port)),
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
