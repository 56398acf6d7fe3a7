import type { AppProbe, ProbeRhythm } from "./app-probe.js";
import type { JsonObject } from "./json.js";

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const UPSTREAM_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

/** While the app does not answer it is asked this often, so that the kubelet soon hears that it does. */
const UNHEALTHY_INTERVAL = "1s";

/** Envoy would send the cluster's name, which is no authority: servers refuse it. */
const GRPC_AUTHORITY = "localhost";

/** The name of the cluster that a probe goes to. */
export function probeClusterName({ name }: AppProbe): string {
  return `probe|${name}`;
}

/** The app as the sidecar asks it in the kubelet's place. `address` is the pod's: the kubelet would ask there too. */
export function buildProbeCluster(probe: AppProbe, address: string): JsonObject {
  const { target } = probe;
  const name = probeClusterName(probe);
  return {
    name,
    type: "STATIC",
    connect_timeout: "5s",
    load_assignment: {
      cluster_name: name,
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address, port_value: target.port } } } }] },
      ],
    },
    // From these addresses the rules let the sidecar through to its own app; Envoy takes the one of the pod's family.
    upstream_bind_config: {
      source_address: { address: "127.0.0.6", port_value: 0 },
      extra_source_addresses: [{ address: { address: "::6", port_value: 0 } }],
    },
    ...specificsOf(target),
  };
}

function specificsOf(target: AppProbe["target"]): JsonObject {
  switch (target.kind) {
    case "http":
      return {
        // A connection for each, as the kubelet does: an app that closes idle ones would otherwise fail a probe at times.
        ...httpOptions({
          common_http_protocol_options: { max_requests_per_connection: 1 },
          explicit_http_config: { http_protocol_options: {} },
        }),
        ...(target.tls === undefined ? {} : { transport_socket: tlsWithoutVerification(target.tls) }),
      };
    case "tcp":
      return { health_checks: [{ ...rhythmOf(target.rhythm), tcp_health_check: {} }] };
    case "grpc":
      return {
        ...httpOptions({ explicit_http_config: { http2_protocol_options: {} } }),
        health_checks: [
          {
            ...rhythmOf(target.rhythm),
            grpc_health_check: { service_name: target.service, authority: GRPC_AUTHORITY },
          },
        ],
      };
    default:
      return target satisfies never;
  }
}

function rhythmOf({ periodSeconds, timeoutSeconds }: ProbeRhythm): JsonObject {
  const interval = `${periodSeconds}s`;
  return {
    timeout: `${timeoutSeconds}s`,
    interval,
    no_traffic_interval: interval,
    unhealthy_interval: UNHEALTHY_INTERVAL,
    unhealthy_threshold: 1,
    healthy_threshold: 1,
    reuse_connection: false,
  };
}

function httpOptions(options: JsonObject): JsonObject {
  return {
    typed_extension_protocol_options: {
      [HTTP_OPTIONS]: { "@type": `type.googleapis.com/${HTTP_OPTIONS}`, ...options },
    },
  };
}

function tlsWithoutVerification({ serverName }: { readonly serverName?: string }): JsonObject {
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: { "@type": UPSTREAM_TLS, ...(serverName === undefined ? {} : { sni: serverName }) },
  };
}
