import type { MeshObject } from "../model/mesh-object.js";
import { readAuthorizationPolicy, standInPolicy } from "./authorization-policy.js";
import { readDestinationRule } from "./destination-rule.js";
import { readEndpointSlice } from "./endpoint-slice.js";
import type { Reader } from "./fields.js";
import { readGrpcRoute } from "./grpc-route.js";
import { readHttpRoute } from "./http-route-object.js";
import { readMeshConfig } from "./mesh-config.js";
import type { Metadata } from "./metadata.js";
import { readPeerAuthentication } from "./peer-authentication.js";
import { readNode, readPod } from "./pod.js";
import { readReferenceGrant } from "./reference-grant.js";
import { readRequestAuthentication } from "./request-authentication.js";
import { readSecret } from "./secret.js";
import { readService } from "./service.js";
import { readServiceEntry } from "./service-entry.js";
import { readSidecar } from "./sidecar.js";
import { readTelemetry } from "./telemetry.js";
import { readVirtualService } from "./virtual-service.js";
import { readWasmPlugin } from "./wasm-plugin.js";
import { readWorkloadEntry } from "./workload-entry.js";

/** A kind of object that the mesh acts on, under one API group. */
export interface KindDefinition {
  readonly kind: MeshObject["kind"];
  /** Empty for the core group. */
  readonly group: string;
  /** The newest first. */
  readonly versions: readonly string[];
  /** Whether an object without `spec` says something. */
  readonly specOptional: boolean;
  /** Whether its fields are beside `metadata`, without a `spec`. */
  readonly withoutSpec?: true;
  /** Whether the reader gets the whole object, because what the mesh has of it is also in its status. */
  readonly whole?: true;
  /** What a cluster writes of itself: without one nobody reads it. */
  readonly clusterOnly?: true;
  /** Its objects are in no namespace. */
  readonly withoutNamespace?: true;
  /** What is in force in the place of an object that is wrong and never was right, where nothing would be unsafe. */
  readonly standIn?: (raw: unknown) => MeshObject | undefined;
  /** Gives the reader of the spec. */
  readonly read: (metadata: Metadata, standalone: boolean) => Reader<MeshObject>;
}

export const KINDS: readonly KindDefinition[] = [
  {
    kind: "Service",
    group: "",
    versions: ["v1"],
    specOptional: false,
    read: (metadata, standalone) => convert(readService(metadata, standalone), (value) => ({ kind: "Service", value })),
  },
  {
    kind: "WorkloadEntry",
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    specOptional: false,
    read: (metadata) => convert(readWorkloadEntry(metadata), (value) => ({ kind: "WorkloadEntry", value })),
  },
  {
    kind: "ServiceEntry",
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    specOptional: false,
    read: (metadata) => convert(readServiceEntry(metadata), (value) => ({ kind: "ServiceEntry", value })),
  },
  {
    kind: "DestinationRule",
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    specOptional: false,
    read: (metadata) => convert(readDestinationRule(metadata), (value) => ({ kind: "DestinationRule", value })),
  },
  {
    kind: "VirtualService",
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    specOptional: false,
    read: (metadata) => convert(readVirtualService(metadata), (value) => ({ kind: "VirtualService", value })),
  },
  {
    kind: "Sidecar",
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    specOptional: true,
    read: (metadata) => convert(readSidecar(metadata), (value) => ({ kind: "Sidecar", value })),
  },
  {
    kind: "PeerAuthentication",
    group: "security.istio.io",
    versions: ["v1", "v1beta1"],
    specOptional: true,
    read: (metadata) => convert(readPeerAuthentication(metadata), (value) => ({ kind: "PeerAuthentication", value })),
  },
  {
    kind: "Telemetry",
    group: "telemetry.istio.io",
    versions: ["v1", "v1alpha1"],
    specOptional: true,
    read: (metadata) => convert(readTelemetry(metadata), (value) => ({ kind: "Telemetry", value })),
  },
  {
    kind: "AuthorizationPolicy",
    group: "security.istio.io",
    versions: ["v1", "v1beta1"],
    specOptional: true,
    read: (metadata) => convert(readAuthorizationPolicy(metadata), (value) => ({ kind: "AuthorizationPolicy", value })),
    standIn: (raw) => {
      const value = standInPolicy(raw);
      return value && { kind: "AuthorizationPolicy", value };
    },
  },
  {
    kind: "RequestAuthentication",
    group: "security.istio.io",
    versions: ["v1", "v1beta1"],
    specOptional: true,
    read: (metadata) =>
      convert(readRequestAuthentication(metadata), (value) => ({ kind: "RequestAuthentication", value })),
  },
  {
    kind: "HTTPRoute",
    group: "gateway.networking.k8s.io",
    versions: ["v1", "v1beta1"],
    specOptional: false,
    read: (metadata) => convert(readHttpRoute(metadata), (value) => ({ kind: "HTTPRoute", value })),
  },
  {
    kind: "GRPCRoute",
    group: "gateway.networking.k8s.io",
    versions: ["v1"],
    specOptional: false,
    read: (metadata) => convert(readGrpcRoute(metadata), (value) => ({ kind: "GRPCRoute", value })),
  },
  {
    kind: "ReferenceGrant",
    group: "gateway.networking.k8s.io",
    versions: ["v1", "v1beta1"],
    specOptional: false,
    read: (metadata) => convert(readReferenceGrant(metadata), (value) => ({ kind: "ReferenceGrant", value })),
  },
  {
    kind: "MeshConfig",
    group: "weft.mesh",
    versions: ["v1alpha1"],
    specOptional: false,
    read: (metadata) => convert(readMeshConfig(metadata), (value) => ({ kind: "MeshConfig", value })),
  },
  {
    kind: "Secret",
    group: "",
    versions: ["v1"],
    specOptional: false,
    withoutSpec: true,
    read: (metadata) => convert(readSecret(metadata), (value) => ({ kind: "Secret", value })),
  },
  {
    kind: "EndpointSlice",
    group: "discovery.k8s.io",
    versions: ["v1"],
    specOptional: true,
    whole: true,
    clusterOnly: true,
    read: (metadata) => convert(readEndpointSlice(metadata), (value) => ({ kind: "EndpointSlice", value })),
  },
  {
    kind: "Pod",
    group: "",
    versions: ["v1"],
    specOptional: true,
    whole: true,
    clusterOnly: true,
    read: (metadata) => convert(readPod(metadata), (value) => ({ kind: "Pod", value })),
  },
  {
    kind: "Node",
    group: "",
    versions: ["v1"],
    specOptional: true,
    whole: true,
    clusterOnly: true,
    withoutNamespace: true,
    read: (metadata) => convert(readNode(metadata), (value) => ({ kind: "Node", value })),
  },
  wasmPlugin("weft.mesh", "weft"),
  wasmPlugin("extensions.istio.io", "istio"),
];

function wasmPlugin(group: string, api: "weft" | "istio"): KindDefinition {
  return {
    kind: "WasmPlugin",
    group,
    versions: ["v1alpha1"],
    specOptional: false,
    read: (metadata, standalone) =>
      convert(readWasmPlugin(metadata, { api, standalone }), (value) => ({ kind: "WasmPlugin", value })),
  };
}

function convert<T>(read: Reader<T>, toObject: (value: T) => MeshObject): Reader<MeshObject> {
  return (field) => {
    const value = read(field);
    return value === undefined ? undefined : toObject(value);
  };
}

/** The values of `apiVersion` under which a kind is read. */
export function apiVersionsOf({ group, versions }: KindDefinition): string[] {
  return versions.map((version) => (group === "" ? version : `${group}/${version}`));
}
