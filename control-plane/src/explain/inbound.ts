import { create, fromBinary } from "@bufbuild/protobuf";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { TypedExtensionConfigSchema } from "../envoy-api/gen/envoy/config/core/v3/extension_pb.js";
import { ClusterLoadAssignmentSchema } from "../envoy-api/gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { RBACSchema } from "../envoy-api/gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js";
import { objectKey } from "../model/object-ref.js";
import type { MtlsMode } from "../model/peer-authentication.js";
import type { Direction, Plugin } from "../model/plugin.js";
import { PHASES } from "../model/plugin-manifest.js";
import type { Proxy } from "../model/proxy.js";
import type { Service, ServicePort } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { appPort, calledPort, inboundPort } from "../model/workload-ports.js";
import { authorizationFilters } from "../translate/authorization-filters.js";
import { build } from "../translate/build.js";
import { mtlsModeAt } from "../translate/mtls-mode.js";
import { meshServerName } from "../translate/names.js";
import { phaseOf, pluginsFor, servedAt } from "../translate/plugin-order.js";
import { authorizationPoliciesAt, requestAuthenticationsAt } from "../translate/policies.js";
import { select, selectedRef } from "../translate/select.js";
import { rbacVerdict } from "./rbac-verdict.js";
import type { Request } from "./request.js";
import type { Told } from "./told.js";

/** What a policy filter says of a request. */
export interface ExplainedVerdict {
  /** `weft.authorization.deny`, `weft.authorization.allow`, or that of ambiguous paths. */
  readonly filter: string;
  readonly passes: Told;
  /** `ns[<namespace>]-policy[<name>]-rule[<index>]`; absent: that no rule matches decides. */
  readonly rule?: string;
  readonly doubtful: readonly string[];
}

/** What becomes of a request at one workload. */
export interface ExplainedWorkload {
  readonly workload: string;
  /** Absent: no sidecar, so that nothing of the following holds. */
  readonly mtlsMode?: MtlsMode;
  readonly transport: "mtls" | "plaintext";
  readonly verdicts: readonly ExplainedVerdict[];
  /** RequestAuthentications: a token that they know and that is wrong is answered with 401. */
  readonly authentications: readonly string[];
  /** Whether the request passes all policies. */
  readonly passes: Told;
  readonly plugins: readonly string[];
}

/** The plugins of one side in the order in which they run: `default/x (authz)`. */
export function explainPlugins(
  snapshot: Snapshot,
  workload: Workload,
  direction: Direction,
  port: number,
): readonly string[] {
  const here = pluginsFor(snapshot, workload, direction, port);
  const text = (plugin: Plugin, phase: string) => {
    const state = servedAt(snapshot, plugin, workload) === undefined ? ", not ready" : "";
    return `${objectKey(plugin)} (${phase}${state})`;
  };
  return [
    ...here.filter(({ type }) => type === "network").map((plugin) => text(plugin, "network")),
    ...PHASES.flatMap((phase) =>
      here
        .filter((plugin) => plugin.type === "http" && phaseOf(plugin, servedAt(snapshot, plugin, workload)) === phase)
        .map((plugin) => text(plugin, phase)),
    ),
  ];
}

/** The workloads among the endpoints of a cluster, as the caller's proxy is served it, and what they make of the request. */
export function explainWorkloads(
  snapshot: Snapshot,
  caller: Proxy,
  cluster: string,
  request: Request,
): readonly ExplainedWorkload[] {
  const [, number, , host = ""] = cluster.split("|");
  const service = snapshot.services.get(host);
  const port = service?.ports.find((candidate) => candidate.port === Number(number));
  const ref = selectedRef(select(snapshot, caller), "endpoints", cluster);
  const bytes = ref && build(ref, snapshot).bytes;
  if (service === undefined || port === undefined || bytes === undefined) return [];
  const assignment = fromBinary(ClusterLoadAssignmentSchema, bytes);
  const endpoints = assignment.endpoints.flatMap(({ lbEndpoints }) => lbEndpoints);
  return endpoints.flatMap(({ hostIdentifier, metadata }) => {
    const address = hostIdentifier.case === "endpoint" ? hostIdentifier.value.address?.address : undefined;
    if (address?.case !== "socketAddress") return [];
    const { address: ip, portSpecifier } = address.value;
    const workload = [...snapshot.workloads.values()].find(
      (candidate) => candidate.address === ip && calledPort(candidate, port) === portSpecifier.value,
    );
    const isMtls = metadata?.filterMetadata["envoy.transport_socket_match"]?.tlsMode === "mtls";
    return workload === undefined
      ? []
      : [explainWorkload(snapshot, { caller, workload, service, port, isMtls }, request)];
  });
}

interface InboundCall {
  readonly caller: Proxy;
  readonly workload: Workload;
  readonly service: Service;
  readonly port: ServicePort;
  readonly isMtls: boolean;
}

export function explainWorkload(
  snapshot: Snapshot,
  { caller: { workload: from }, workload, service, port, isMtls }: InboundCall,
  request: Request,
): ExplainedWorkload {
  const key = objectKey(workload);
  const transport = isMtls && from.hasSidecar ? "mtls" : "plaintext";
  if (!workload.hasSidecar)
    return { workload: key, transport, verdicts: [], authentications: [], passes: true, plugins: [] };
  const called = inboundPort(workload, port);
  const site = { workload, port: called, appPort: appPort(workload, port) };
  const authentications = requestAuthenticationsAt(snapshot, site).map(objectKey);
  const { trustDomain } = snapshot.settings;
  const verdicts = verdictsOf(snapshot, site, {
    request,
    callerUris:
      transport === "mtls"
        ? [
            `spiffe://${trustDomain}/ns/${from.namespace}/sa/${from.serviceAccount}`,
            `weft://${trustDomain}/ns/${from.namespace}/workload/${from.name}`,
          ]
        : [],
    // Without interception the sidecar calls from whatever address the system gives it.
    ...(from.interception === "redirect" ? { callerAddress: from.address } : {}),
    address: workload.address,
    port: called,
    serverName: transport === "mtls" ? meshServerName(service.host) : "",
    hasToken: authentications.length > 0 && (Object.keys(request.headers).length > 0 || request.path.includes("?")),
  });
  const mtlsMode = mtlsModeAt(snapshot, workload, port);
  const isRefused = mtlsMode === "STRICT" && transport === "plaintext";
  const decided = verdicts.find(({ passes }) => passes === false);
  const open = verdicts.some(({ passes }) => passes === undefined);
  return {
    workload: key,
    mtlsMode,
    transport,
    verdicts,
    authentications,
    passes: isRefused || decided !== undefined ? false : open ? undefined : true,
    plugins: explainPlugins(snapshot, workload, "server", called),
  };
}

function verdictsOf(
  snapshot: Snapshot,
  site: Parameters<typeof authorizationPoliciesAt>[1],
  call: Parameters<typeof rbacVerdict>[1],
): readonly ExplainedVerdict[] {
  return authorizationFilters(snapshot, authorizationPoliciesAt(snapshot, site)).flatMap((init) => {
    const { name, typedConfig } = create(TypedExtensionConfigSchema, init);
    const rules = typedConfig && anyUnpack(typedConfig as Any, RBACSchema)?.rules;
    return rules === undefined ? [] : [{ filter: name, ...rbacVerdict(rules, call) }];
  });
}
