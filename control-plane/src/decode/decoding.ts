import { parse } from "yaml";
import type { MeshObject } from "../model/mesh-object.js";
import { type DecodeContext, decodeObject } from "./decode.js";

/** For tests: the value of an object that must be right, with its warnings as `reason field`. */
export function accepted(yaml: string, context: DecodeContext = { standalone: true }) {
  const result = decodeObject(parse(yaml), context);
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.diagnostics, null, 2)}`);
  return { ref: result.ref, object: result.object, value: result.object.value, warnings: result.warnings.map(brief) };
}

/** For tests: what is wrong with an object, each as `reason field`. */
export function refused(yaml: string, context: DecodeContext = { standalone: true }): string[] {
  const result = decodeObject(parse(yaml), context);
  if (result.ok) throw new Error(`accepted: ${JSON.stringify(result.object, null, 2)}`);
  return result.diagnostics.map(brief);
}

/** For tests: an object of a kind around its spec, which is YAML in flow style. */
export function objectOf(kind: MeshObject["kind"], spec: string, metadata = "{name: x}"): string {
  return `apiVersion: ${API_VERSIONS[kind]}\nkind: ${kind}\nmetadata: ${metadata}\nspec: ${spec}\n`;
}

const API_VERSIONS: Readonly<Record<MeshObject["kind"], string>> = {
  Service: "v1",
  EndpointSlice: "discovery.k8s.io/v1",
  Pod: "v1",
  Node: "v1",
  WorkloadEntry: "networking.istio.io/v1",
  ServiceEntry: "networking.istio.io/v1",
  DestinationRule: "networking.istio.io/v1",
  VirtualService: "networking.istio.io/v1",
  Sidecar: "networking.istio.io/v1",
  PeerAuthentication: "security.istio.io/v1",
  AuthorizationPolicy: "security.istio.io/v1",
  RequestAuthentication: "security.istio.io/v1",
  WasmPlugin: "weft.mesh/v1alpha1",
  MeshConfig: "weft.mesh/v1alpha1",
  Secret: "v1",
  HTTPRoute: "gateway.networking.k8s.io/v1",
  GRPCRoute: "gateway.networking.k8s.io/v1",
  ReferenceGrant: "gateway.networking.k8s.io/v1",
  Telemetry: "telemetry.istio.io/v1",
};

function brief({ reason, field = "" }: { readonly reason: string; readonly field?: string }): string {
  return `${reason} ${field}`;
}
