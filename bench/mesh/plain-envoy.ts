/* What somebody would write by hand for Envoys that do what a sidecar does: mTLS with files, retries, limits. */

/** Files of a workload's identity: those that its Weft sidecar has. */
export interface IdentityFiles {
  readonly certificate: string;
  readonly key: string;
  readonly root: string;
}

export interface Destination {
  /** The authority that requests name, without port. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** The SPIFFE ID that it must show. */
  readonly identity: string;
}

export interface OutboundOptions {
  readonly destinations: readonly Destination[];
  readonly identity: IdentityFiles;
}

export interface InboundOptions {
  /** Where the app listens, on 127.0.0.1. */
  readonly appPort: number;
  readonly identity: IdentityFiles;
  /** Callers' SPIFFE IDs begin so. */
  readonly trustPrefix: string;
}

const TYPES = "type.googleapis.com/envoy";
const UNLIMITED = 4_294_967_295;
/** Sidecars tell by this end of the SNI that TLS is the mesh's. */
const SNI_SUFFIX = ".weft.mesh";

/** A listener for requests of the app, and a cluster for each destination. */
export function outbound({ destinations, identity }: OutboundOptions): { listeners: object[]; clusters: object[] } {
  const virtualHosts = destinations.map(({ host }) => ({
    name: host,
    domains: [host, `${host}:*`],
    include_request_attempt_count: true,
    routes: [{ match: { prefix: "/" }, route: { cluster: host, timeout: "0s", retry_policy: RETRIES } }],
  }));
  return {
    listeners: [{ ...listener("outbound"), filter_chains: [{ filters: [http("outbound", virtualHosts)] }] }],
    clusters: destinations.map(({ host, address, port, identity: server }) => ({
      ...cluster(host, address, port),
      transport_socket: tls("UpstreamTlsContext", identity, { exact: server }, { sni: `${host}${SNI_SUFFIX}` }),
    })),
  };
}

/** A listener that takes mTLS only, before the app. */
export function inbound(options: InboundOptions): { listeners: object[]; clusters: object[] } {
  const { appPort, identity, trustPrefix } = options;
  const virtualHosts = [
    { name: "app", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "app", timeout: "0s" } }] },
  ];
  const clientCertificate = {
    forward_client_cert_details: "SANITIZE_SET",
    set_current_client_cert_details: { uri: true },
  };
  const chain = {
    filters: [http("inbound", virtualHosts, clientCertificate)],
    transport_socket: tls(
      "DownstreamTlsContext",
      identity,
      { prefix: trustPrefix },
      { require_client_certificate: true },
    ),
  };
  return {
    listeners: [{ ...listener("inbound"), filter_chains: [chain] }],
    clusters: [cluster("app", "127.0.0.1", appPort)],
  };
}

const RETRIES = {
  retry_on: "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
  num_retries: 2,
  retriable_status_codes: [503],
  host_selection_retry_max_attempts: "5",
  retry_host_predicate: [
    {
      name: "previous-hosts",
      typed_config: {
        "@type": `${TYPES}.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate`,
      },
    },
  ],
};

function listener(name: string): object {
  return { name, address: { socket_address: { address: "127.0.0.1", port_value: 0 } } };
}

function http(name: string, virtualHosts: readonly object[], more: object = {}): object {
  return {
    name: "http",
    typed_config: {
      "@type": `${TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: name,
      route_config: { name, virtual_hosts: virtualHosts },
      http_filters: [
        { name: "router", typed_config: { "@type": `${TYPES}.extensions.filters.http.router.v3.Router` } },
      ],
      normalize_path: true,
      merge_slashes: true,
      server_header_transformation: "PASS_THROUGH",
      ...more,
    },
  };
}

function cluster(name: string, address: string, port: number): object {
  const socket = { socket_address: { address, port_value: port } };
  const limits = { max_connections: UNLIMITED, max_pending_requests: UNLIMITED, max_requests: UNLIMITED };
  const budget = { budget_percent: { value: 20 }, min_retry_concurrency: 3 };
  return {
    name,
    type: "STATIC",
    lb_policy: "LEAST_REQUEST",
    connect_timeout: "10s",
    circuit_breakers: { thresholds: [{ ...limits, retry_budget: budget }] },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: socket } }] }] },
  };
}

function tls(
  context: "UpstreamTlsContext" | "DownstreamTlsContext",
  { certificate, key, root }: IdentityFiles,
  peer: object,
  more: object,
): object {
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": `${TYPES}.extensions.transport_sockets.tls.v3.${context}`,
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: "TLSv1_3", tls_maximum_protocol_version: "TLSv1_3" },
        tls_certificates: [{ certificate_chain: { filename: certificate }, private_key: { filename: key } }],
        validation_context: {
          trusted_ca: { filename: root },
          match_typed_subject_alt_names: [{ san_type: "URI", matcher: peer }],
        },
      },
      ...more,
    },
  };
}
