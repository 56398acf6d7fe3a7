import type { AuthorizationPolicy } from "./authorization-policy.js";
import type { DestinationRule } from "./destination-rule.js";
import type { EndpointSlice } from "./endpoint-slice.js";
import type { GatewayRoute, ReferenceGrant } from "./gateway-route.js";
import type { Handover } from "./handover.js";
import type { MeshConfig } from "./mesh-config.js";
import type { MeshSettings } from "./mesh-settings.js";
import type { ModuleState } from "./module-state.js";
import type { PeerAuthentication } from "./peer-authentication.js";
import type { Plugin } from "./plugin.js";
import type { RequestAuthentication } from "./request-authentication.js";
import type { Secret } from "./secret.js";
import type { Service } from "./service.js";
import type { Sidecar } from "./sidecar.js";
import type { Telemetry } from "./telemetry.js";
import type { VirtualService } from "./virtual-service.js";
import type { Workload } from "./workload.js";

/**
 * All that translation may know, at one moment. Never mutated; what did not change between two snapshots is the same
 * object in both, so that a comparison by identity finds the changes.
 */
export interface Snapshot {
  readonly settings: MeshSettings;
  /** By host. */
  readonly services: ReadonlyMap<string, Service>;
  /** By the host of their Service, in the order of their names. */
  readonly endpointSlices: ReadonlyMap<string, readonly EndpointSlice[]>;
  /** This and the following by `<namespace>/<name>`. */
  readonly workloads: ReadonlyMap<string, Workload>;
  readonly destinationRules: ReadonlyMap<string, DestinationRule>;
  readonly virtualServices: ReadonlyMap<string, VirtualService>;
  readonly sidecars: ReadonlyMap<string, Sidecar>;
  readonly peerAuthentications: ReadonlyMap<string, PeerAuthentication>;
  readonly authorizationPolicies: ReadonlyMap<string, AuthorizationPolicy>;
  readonly requestAuthentications: ReadonlyMap<string, RequestAuthentication>;
  readonly plugins: ReadonlyMap<string, Plugin>;
  readonly httpRoutes: ReadonlyMap<string, GatewayRoute>;
  readonly grpcRoutes: ReadonlyMap<string, GatewayRoute>;
  readonly referenceGrants: ReadonlyMap<string, ReferenceGrant>;
  readonly telemetries: ReadonlyMap<string, Telemetry>;
  readonly meshConfigs: ReadonlyMap<string, MeshConfig>;
  readonly secrets: ReadonlyMap<string, Secret>;
  /** The state of each plugin's module, by the plugin's key. */
  readonly modules: ReadonlyMap<string, ModuleState>;
  /** By workload, also by one that is gone. Those that callers and sidecar see alike have none. */
  readonly handovers: ReadonlyMap<string, Handover>;
  /** PEM of the certificates that proxies trust, roots of the mesh. */
  readonly trustBundle: string;
}

/** A snapshot with nothing in it. */
export function emptySnapshot(settings: MeshSettings, trustBundle = ""): Snapshot {
  return {
    settings,
    services: new Map(),
    endpointSlices: new Map(),
    workloads: new Map(),
    destinationRules: new Map(),
    virtualServices: new Map(),
    sidecars: new Map(),
    peerAuthentications: new Map(),
    authorizationPolicies: new Map(),
    requestAuthentications: new Map(),
    plugins: new Map(),
    httpRoutes: new Map(),
    grpcRoutes: new Map(),
    referenceGrants: new Map(),
    telemetries: new Map(),
    meshConfigs: new Map(),
    secrets: new Map(),
    modules: new Map(),
    handovers: new Map(),
    trustBundle,
  };
}
