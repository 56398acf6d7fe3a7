import { STATS_CONFIG } from "../control-plane/src/injection/stats.js";
import type { IssuedCertificate } from "./xds-fixture.js";

export interface AdsBootstrapOptions {
  readonly xdsPort: number;
  /** PEM: the root of the server's certificate, which must be for `localhost`. */
  readonly rootCert: string;
  readonly pair: IssuedCertificate;
  /** Default: incremental. */
  readonly apiType?: "DELTA_GRPC" | "GRPC";
}

/** A bootstrap with nothing in it but aggregated discovery over TLS with a client certificate. */
export function adsBootstrap({ xdsPort, rootCert, pair, apiType = "DELTA_GRPC" }: AdsBootstrapOptions): object {
  const type = (name: string) => ({ "@type": `type.googleapis.com/envoy.extensions.${name}` });
  return {
    node: { id: "sidecar~127.0.0.1~frontend.default~default", cluster: "frontend" },
    stats_config: STATS_CONFIG,
    admin: { address: { socket_address: { address: "127.0.0.1", port_value: 0 } } },
    dynamic_resources: {
      ads_config: {
        api_type: apiType,
        transport_api_version: "V3",
        set_node_on_first_message_only: true,
        grpc_services: [
          {
            envoy_grpc: {
              cluster_name: "xds",
              retry_policy: { retry_back_off: { base_interval: "0.05s", max_interval: "0.2s" } },
            },
          },
        ],
      },
      cds_config: { ads: {}, resource_api_version: "V3" },
      lds_config: { ads: {}, resource_api_version: "V3" },
    },
    static_resources: {
      clusters: [
        {
          name: "xds",
          type: "STATIC",
          connect_timeout: "5s",
          load_assignment: {
            cluster_name: "xds",
            endpoints: [
              {
                lb_endpoints: [
                  { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: xdsPort } } } },
                ],
              },
            ],
          },
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              ...type("upstreams.http.v3.HttpProtocolOptions"),
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          transport_socket: {
            name: "tls",
            typed_config: {
              ...type("transport_sockets.tls.v3.UpstreamTlsContext"),
              sni: "localhost",
              common_tls_context: {
                tls_certificates: [
                  {
                    certificate_chain: { inline_string: pair.certificateChain },
                    private_key: { inline_string: pair.privateKey },
                  },
                ],
                validation_context: {
                  trusted_ca: { inline_string: rootCert },
                  match_typed_subject_alt_names: [{ san_type: "DNS", matcher: { exact: "localhost" } }],
                },
              },
            },
          },
        },
      ],
    },
  };
}
