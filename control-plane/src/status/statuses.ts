import type { Diagnostic } from "../model/diagnostic.js";
import type { MeshObject } from "../model/mesh-object.js";
import type { ModuleState } from "../model/module-state.js";
import { type ObjectRef, objectKey } from "../model/object-ref.js";
import type { Plugin } from "../model/plugin.js";
import type { RolloutReport } from "../model/rollout.js";
import type { Condition } from "./condition.js";
import { type StatusDocument, statusKey } from "./document.js";
import { gatewayRouteStatus } from "./gateway-route-status.js";
import { objectStatus } from "./object-status.js";
import { type ProxyCounts, pluginStatus } from "./plugin-status.js";

/** An object that is in force, with where it stands. */
export interface KnownObject {
  readonly ref: ObjectRef;
  readonly file?: string;
  /** Absent for one that was never right. */
  readonly object?: MeshObject;
}

export interface StatusesInput {
  readonly objects: readonly KnownObject[];
  readonly diagnostics: readonly Diagnostic[];
  readonly plugins: ReadonlyMap<string, Plugin>;
  readonly modules: ReadonlyMap<string, ModuleState>;
  readonly rejected: (pluginKey: string) => readonly { readonly version: string; readonly message: string }[];
  readonly counts: (pluginKey: string) => ProxyCounts;
  readonly rollout: (pluginKey: string) => RolloutReport | undefined;
  /** The conditions that each object had, by {@link statusKey}. */
  readonly previous: ReadonlyMap<string, readonly Condition[]>;
  /** RFC 3339. */
  readonly now: string;
}

/** https://istio.io and Kubernetes groups of the kinds, for the reader of a status file. */
const API_VERSIONS: Readonly<Record<string, string>> = {
  Service: "v1",
  WorkloadEntry: "networking.istio.io/v1",
  DestinationRule: "networking.istio.io/v1",
  VirtualService: "networking.istio.io/v1",
  PeerAuthentication: "security.istio.io/v1",
  AuthorizationPolicy: "security.istio.io/v1",
  RequestAuthentication: "security.istio.io/v1",
  WasmPlugin: "weft.mesh/v1alpha1",
  HTTPRoute: "gateway.networking.k8s.io/v1",
  GRPCRoute: "gateway.networking.k8s.io/v1",
  ReferenceGrant: "gateway.networking.k8s.io/v1",
  Telemetry: "telemetry.istio.io/v1",
  MeshConfig: "weft.mesh/v1alpha1",
  Secret: "v1",
};

/** The status of every object that is in force or that something is wrong with. */
export function statuses(input: StatusesInput): StatusDocument[] {
  const refs = new Map<string, KnownObject>();
  for (const object of input.objects) refs.set(statusKey(object.ref), object);
  const problems = new Map<string, Diagnostic[]>();
  const addProblem = (key: string, diagnostic: Diagnostic) =>
    problems.set(key, [...(problems.get(key) ?? []), diagnostic]);
  for (const diagnostic of input.diagnostics) {
    if (diagnostic.object !== undefined) {
      const key = statusKey(diagnostic.object);
      if (!refs.has(key)) refs.set(key, { ref: diagnostic.object });
      addProblem(key, diagnostic);
    } else if (diagnostic.file !== undefined)
      // A file that cannot be read concerns the objects of it that are still in force.
      for (const [key, { file }] of refs) if (file === diagnostic.file) addProblem(key, diagnostic);
  }
  return [...refs].map(([key, { ref, object }]) => {
    const own = problems.get(key) ?? [];
    const previous = input.previous.get(key) ?? [];
    const plugin = ref.kind === "WasmPlugin" ? input.plugins.get(objectKey(ref)) : undefined;
    const rollout = plugin && input.rollout(objectKey(ref));
    const status =
      plugin === undefined
        ? isRoute(object)
          ? gatewayRouteStatus(object.value, own, previous, input.now)
          : objectStatus(own, previous, "", input.now)
        : pluginStatus({
            plugin,
            module: input.modules.get(objectKey(ref)),
            rejected: input.rejected(objectKey(ref)),
            proxies: input.counts(objectKey(ref)),
            ...(rollout === undefined ? {} : { rollout }),
            problems: own,
            previous,
            now: input.now,
          });
    return { apiVersion: API_VERSIONS[ref.kind] ?? "", object: ref, status };
  });
}

function isRoute(object: MeshObject | undefined): object is Extract<MeshObject, { kind: "HTTPRoute" | "GRPCRoute" }> {
  return object?.kind === "HTTPRoute" || object?.kind === "GRPCRoute";
}
