import type { ApiResource } from "./api-path.js";

const versions = (group: string, plural: string, ...names: readonly string[]): readonly ApiResource[] =>
  names.map((version) => ({ group, version, plural }));
const networking = (plural: string) => versions("networking.istio.io", plural, "v1", "v1beta1", "v1alpha3");
const security = (plural: string) => versions("security.istio.io", plural, "v1", "v1beta1");
const gateway = (plural: string) => versions("gateway.networking.k8s.io", plural, "v1", "v1beta1");

/** The kinds whose status the control plane writes, with where their objects may be, the most likely first. */
export const STATUS_KINDS: Readonly<Record<string, readonly ApiResource[]>> = {
  WasmPlugin: [
    { group: "weft.mesh", version: "v1alpha1", plural: "wasmplugins" },
    { group: "extensions.istio.io", version: "v1alpha1", plural: "wasmplugins" },
  ],
  MeshConfig: [{ group: "weft.mesh", version: "v1alpha1", plural: "meshconfigs" }],
  HTTPRoute: gateway("httproutes"),
  GRPCRoute: gateway("grpcroutes"),
  VirtualService: networking("virtualservices"),
  DestinationRule: networking("destinationrules"),
  ServiceEntry: networking("serviceentries"),
  WorkloadEntry: networking("workloadentries"),
  Sidecar: networking("sidecars"),
  PeerAuthentication: security("peerauthentications"),
  AuthorizationPolicy: security("authorizationpolicies"),
  RequestAuthentication: security("requestauthentications"),
  Telemetry: versions("telemetry.istio.io", "telemetries", "v1", "v1alpha1"),
};

/** The kinds that have no status for us: what is wrong with their objects is told by Events. */
export const EVENT_KINDS: Readonly<Record<string, readonly ApiResource[]>> = {
  Service: versions("", "services", "v1"),
  Secret: versions("", "secrets", "v1"),
  Pod: versions("", "pods", "v1"),
  Namespace: versions("", "namespaces", "v1"),
  EndpointSlice: versions("discovery.k8s.io", "endpointslices", "v1"),
  ReferenceGrant: gateway("referencegrants"),
};
