import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  FilterChainMatchSchema,
  FilterChainSchema,
  FilterSchema,
} from "../envoy-api/gen/envoy/config/listener/v3/listener_components_pb.js";
import type { MtlsMode } from "../model/peer-authentication.js";
import { isHttp, type Protocol } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import { inboundPort } from "../model/workload-ports.js";
import { tcpMetricAccessLogs } from "./access-logs.js";
import { tcpPolicyFilters } from "./authorization-filters.js";
import { httpConnectionManager } from "./http-connection-manager.js";
import type { InboundSite } from "./inbound-sites.js";
import type { Init } from "./init.js";
import { HTTP_VERSIONS, MESH_HTTP_ALPN } from "./listener-filters.js";
import { downstreamMeshTls } from "./mesh-tls.js";
import { mtlsModeAt } from "./mtls-mode.js";
import { inboundCluster, inboundListener, MESH_SNI_SUFFIX } from "./names.js";
import { CLOSE, isClosed, networkFilters } from "./network-slots.js";
import { pluginsFor } from "./plugin-order.js";
import { requestLogs } from "./request-logs.js";
import { tcpProxy } from "./tcp-proxy.js";

export type ChainInit = Init<typeof FilterChainSchema>;
type FilterInit = MessageInitShape<typeof FilterSchema>;
export type MatchInit = Init<typeof FilterChainMatchSchema>;

/**
 * The chains of one port on which a workload is called. Which of them stand there is the PeerAuthentication's matter:
 * mesh TLS is known by its server name, an app's own TLS is passed on, and what has no chain is refused.
 */
export function inboundChains(snapshot: Snapshot, site: InboundSite): ChainInit[] {
  const { workload, service, port } = site;
  const called = inboundPort(workload, port);
  const mode = mtlsModeAt(snapshot, workload, port);
  const cluster = inboundCluster(called, service.host);
  const before = networkFilters(snapshot, workload, "server", called);
  const closed = isClosed(snapshot, workload, "server", called);
  const metrics = tcpMetricAccessLogs(snapshot, workload, pluginsFor(snapshot, workload, "server", called));
  const accessLog = [...metrics, ...requestLogs(snapshot, workload, "server", "tcp")];
  const tcp = (isMesh: boolean) => {
    const clusters = [{ name: cluster, weight: 1 }];
    const last = closed ? CLOSE : tcpProxy({ statPrefix: `inbound_${called}`, clusters, accessLog, isMesh });
    return [...tcpPolicyFilters(called), ...before, last];
  };
  const chain = (name: string, match: MatchInit, filters: FilterInit[]): ChainInit => ({
    name: inNamespace(site, name),
    filterChainMatch: { ...portMatch(site), ...match },
    filters,
  });
  const mesh = (name: string, match: MatchInit, filters: FilterInit[]): ChainInit => ({
    ...chain(name, { transportProtocol: "tls", serverNames: [`*.${MESH_SNI_SUFFIX}`], ...match }, filters),
    transportSocket: downstreamMeshTls(snapshot.settings.trustDomain),
  });
  const appTls = chain("app-tls", { transportProtocol: "tls" }, tcp(false));
  const plaintext = { transportProtocol: "raw_buffer" };
  const byProtocol = (): { readonly secure: readonly ChainInit[]; readonly open: readonly ChainInit[] } => {
    if (isHttp(port.protocol)) {
      const http = [...before, inboundHttp(snapshot, site, called, cluster)];
      return { secure: [mesh("mesh-tls", {}, http)], open: [appTls, chain("plaintext", plaintext, http)] };
    }
    const secure = mesh("mesh-tls", {}, tcp(true));
    // Where nothing is to be told apart, TLS of the app's own goes the way of plaintext.
    const inspected = inspectionOf(port.protocol, mode).tls;
    const open = inspected ? [appTls, chain("plaintext", plaintext, tcp(false))] : [chain("plaintext", {}, tcp(false))];
    if (port.protocol !== "auto") return { secure: [secure], open };
    const http = [...before, inboundHttp(snapshot, site, called, cluster)];
    return {
      secure: [mesh("mesh-tls-http", { applicationProtocols: MESH_HTTP_ALPN }, http), secure],
      open: [...open, chain("plaintext-http", { ...plaintext, applicationProtocols: HTTP_VERSIONS }, http)],
    };
  };
  const { secure, open } = byProtocol();
  return {
    STRICT: [...secure],
    PERMISSIVE: [...secure, ...open],
    DISABLE: [...open],
  }[mode];
}

/** With interception one listener has the chains of all ports. */
function portMatch({ workload, port }: InboundSite): MatchInit {
  return workload.interception === "redirect" ? { destinationPort: inboundPort(workload, port) } : {};
}

function inNamespace({ workload, port }: InboundSite, name: string): string {
  return workload.interception === "redirect" ? `${inboundPort(workload, port)}-${name}` : name;
}

/** Whether the caller's first bytes decide between the chains of a port. Where they don't, nothing waits for them. */
export function inspectionOf(protocol: Protocol, mode: MtlsMode): { readonly tls: boolean; readonly http: boolean } {
  const http = protocol === "auto" && mode !== "STRICT";
  // Without mTLS both TLS and plaintext of a TCP port go on as they are.
  return { tls: mode !== "DISABLE" || isHttp(protocol) || http, http };
}

function inboundHttp(
  snapshot: Snapshot,
  { workload }: InboundSite,
  called: number,
  cluster: string,
): MessageInitShape<typeof FilterSchema> {
  return httpConnectionManager(snapshot, {
    workload,
    direction: "server",
    port: called,
    routes: {
      kind: "inline",
      routes: {
        name: inboundListener(called),
        virtualHosts: [
          {
            name: inboundListener(called),
            domains: ["*"],
            routes: [
              {
                name: "app",
                match: { pathSpecifier: { case: "prefix", value: "/" } },
                action: {
                  case: "route",
                  value: { clusterSpecifier: { case: "cluster", value: cluster }, timeout: { seconds: 0n } },
                },
              },
            ],
          },
        ],
      },
    },
  });
}
