import type { DestinationRule } from "../control-plane/src/model/destination-rule.js";
import type { GatewayRoute } from "../control-plane/src/model/gateway-route.js";
import { DEFAULT_PLUGIN_POLICY, MESH_CONFIG_NAME, type MeshConfig } from "../control-plane/src/model/mesh-config.js";
import type { MeshSettings } from "../control-plane/src/model/mesh-settings.js";
import type { ModuleState, ServedPlugin } from "../control-plane/src/model/module-state.js";
import type { Plugin } from "../control-plane/src/model/plugin.js";
import { DEFAULT_LIMITS } from "../control-plane/src/model/plugin-limits.js";
import type { PluginManifest } from "../control-plane/src/model/plugin-manifest.js";
import { type Service, serviceHost } from "../control-plane/src/model/service.js";
import type { ServiceEntry } from "../control-plane/src/model/service-entry.js";
import { DEFAULT_TELEMETRY } from "../control-plane/src/model/telemetry.js";
import { UNVERIFIED } from "../control-plane/src/model/verification.js";
import type { VirtualService } from "../control-plane/src/model/virtual-service.js";
import type { Workload } from "../control-plane/src/model/workload.js";

/** Values of the model with defaults, for tests: say only what the test is about. */

export const settings: MeshSettings = {
  trustDomain: "cluster.local",
  rootNamespace: "weft-system",
  publicRoots: "the public roots",
  identityFiles: {
    certificateChain: "identity/cert.pem",
    privateKey: "identity/key.pem",
    watchedDirectory: "identity",
  },
};

export function mkService(name: string, over: Partial<Service> = {}): Service {
  const namespace = over.namespace ?? "default";
  return {
    namespace,
    name,
    host: serviceHost(name, namespace),
    ports: [{ name: "http", port: 8080, targetPort: 8080, protocol: "http" }],
    selector: { app: name },
    addresses: [],
    exportTo: ["*"],
    location: "internal",
    resolution: { kind: "workloads" },
    subjectAltNames: [],
    ...over,
  };
}

export function mkServiceEntry(name: string, hosts: readonly string[], over: Partial<Service> = {}): ServiceEntry {
  const service = mkService(name, {
    selector: {},
    location: "external",
    resolution: { kind: "dns", lookup: "strict", endpoints: [] },
    ...over,
  });
  return { namespace: service.namespace, name, services: hosts.map((host) => ({ ...service, host })) };
}

/** The mesh policy, in the root namespace. */
export function mkMeshConfig(over: Partial<MeshConfig> = {}): MeshConfig {
  return {
    namespace: settings.rootNamespace,
    name: MESH_CONFIG_NAME,
    plugins: DEFAULT_PLUGIN_POLICY,
    telemetry: DEFAULT_TELEMETRY,
    ...over,
  };
}

export function mkWorkload(name: string, over: Partial<Workload> = {}): Workload {
  return {
    namespace: "default",
    name,
    address: "127.0.1.1",
    labels: { app: name },
    serviceAccount: name,
    ports: { http: 18080 },
    weight: 1,
    hasSidecar: true,
    interception: "none",
    capturesDns: false,
    ...over,
  };
}

export function mkDestinationRule(
  name: string,
  subsets: readonly string[],
  over: Partial<DestinationRule> = {},
): DestinationRule {
  return {
    namespace: "default",
    name,
    host: serviceHost(name, "default"),
    subsets: subsets.map((subset) => ({ name: subset, labels: { version: subset } })),
    exportTo: ["*"],
    ...over,
  };
}

export function mkVirtualService(name: string, weights: Readonly<Record<string, number>>): VirtualService {
  const host = serviceHost(name, "default");
  return {
    namespace: "default",
    name,
    hosts: [host],
    http: [
      {
        matches: [],
        action: {
          kind: "forward",
          destinations: Object.entries(weights).map(([subset, weight]) => ({ host, subset, weight })),
        },
      },
    ],
    exportTo: ["*"],
    tcp: [],
    tls: [],
  };
}

/** A route of Gateway API of a Service, in namespace default, to others; parts of its one rule may be said. */
export function mkGatewayRoute(
  name: string,
  parent: string,
  backends: Readonly<Record<string, number>>,
  over: Partial<GatewayRoute> = {},
): GatewayRoute {
  const namespace = over.namespace ?? "default";
  return {
    kind: "HTTPRoute",
    namespace,
    name,
    parents: [{ namespace: "default", name: parent }],
    rules: [
      {
        matches: [{ uri: { kind: "path", value: "/" }, headers: [], queryParams: [] }],
        mirrors: [],
        action: {
          kind: "forward",
          backends: Object.entries(backends).map(([backend, weight]) => ({
            kind: "Service",
            namespace: "default",
            name: backend,
            port: 8080,
            weight,
          })),
        },
      },
    ],
    ...over,
  };
}

export function mkPlugin(name: string, over: Partial<Plugin> = {}): Plugin {
  return {
    namespace: "default",
    name,
    url: `oci://registry.test/plugins/${name}:1`,
    imagePullPolicy: "IfNotPresent",
    config: "{}",
    type: "http",
    priority: 0,
    match: [],
    callouts: [],
    failStrategy: "FAIL_CLOSE",
    metrics: [],
    generation: "1",
    ...over,
  };
}

export function mkManifest(name: string, over: Partial<PluginManifest> = {}): PluginManifest {
  return {
    name,
    version: "1.0.0",
    rootId: name,
    side: "both",
    phase: "default",
    stateVersion: "1",
    requires: [],
    metrics: [],
    builtWithSdk: true,
    ...over,
  };
}

export function mkServed(name: string, over: Partial<ServedPlugin> = {}): ServedPlugin {
  return {
    version: `${name}-v1`,
    digest: `sha256:${"0".repeat(64)}`,
    wasmSha256: "0".repeat(64),
    servedSha256: "1".repeat(64),
    memoryBytes: DEFAULT_LIMITS.memoryBytes,
    capabilities: [],
    env: {},
    verified: UNVERIFIED,
    url: `oci://registry.test/plugins/${name}:1`,
    manifest: mkManifest(name),
    metrics: over.manifest?.metrics ?? [],
    rootId: name,
    config: "{}",
    vmId: `default/${name}/1`,
    failStrategy: "FAIL_CLOSE",
    wasm: new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
    ...over,
  };
}

export function ready(name: string, over: Partial<ServedPlugin> = {}): ModuleState {
  return { kind: "ready", served: mkServed(name, over) };
}
