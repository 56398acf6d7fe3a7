import type { AuthorizationPolicy } from "./authorization-policy.js";
import type { DestinationRule } from "./destination-rule.js";
import type { EndpointSlice } from "./endpoint-slice.js";
import type { GatewayRoute, ReferenceGrant } from "./gateway-route.js";
import type { MeshConfig } from "./mesh-config.js";
import type { PeerAuthentication } from "./peer-authentication.js";
import type { Plugin } from "./plugin.js";
import type { Node, Pod } from "./pod.js";
import type { RequestAuthentication } from "./request-authentication.js";
import type { Secret } from "./secret.js";
import type { Service } from "./service.js";
import type { ServiceEntry } from "./service-entry.js";
import type { Sidecar } from "./sidecar.js";
import type { Telemetry } from "./telemetry.js";
import type { VirtualService } from "./virtual-service.js";
import type { Workload } from "./workload.js";

/** A decoded API object of a kind that the mesh acts on. */
export type MeshObject =
  | { readonly kind: "Service"; readonly value: Service }
  | { readonly kind: "EndpointSlice"; readonly value: EndpointSlice }
  | { readonly kind: "Pod"; readonly value: Pod }
  | { readonly kind: "Node"; readonly value: Node }
  | { readonly kind: "WorkloadEntry"; readonly value: Workload }
  | { readonly kind: "ServiceEntry"; readonly value: ServiceEntry }
  | { readonly kind: "DestinationRule"; readonly value: DestinationRule }
  | { readonly kind: "VirtualService"; readonly value: VirtualService }
  | { readonly kind: "Sidecar"; readonly value: Sidecar }
  | { readonly kind: "PeerAuthentication"; readonly value: PeerAuthentication }
  | { readonly kind: "AuthorizationPolicy"; readonly value: AuthorizationPolicy }
  | { readonly kind: "RequestAuthentication"; readonly value: RequestAuthentication }
  | { readonly kind: "WasmPlugin"; readonly value: Plugin }
  | { readonly kind: "MeshConfig"; readonly value: MeshConfig }
  | { readonly kind: "Telemetry"; readonly value: Telemetry }
  | { readonly kind: "HTTPRoute"; readonly value: GatewayRoute }
  | { readonly kind: "GRPCRoute"; readonly value: GatewayRoute }
  | { readonly kind: "ReferenceGrant"; readonly value: ReferenceGrant }
  | { readonly kind: "Secret"; readonly value: Secret };
