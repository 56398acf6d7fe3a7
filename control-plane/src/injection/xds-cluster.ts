import { isIP } from "node:net";
import { fileSource } from "./file-source.js";
import type { SidecarFiles } from "./identity-files.js";
import { CERTIFICATE_SECRET, TRUST_SECRET } from "./identity-secrets.js";
import type { JsonObject } from "./json.js";
import { XDS_CLUSTER } from "./ports.js";

export interface XdsClusterOptions {
  readonly xdsAddress: { readonly host: string; readonly port: number };
  /** SPIFFE id that the control plane's certificate must have. */
  readonly controlPlaneId: string;
  readonly files: SidecarFiles;
}

const TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** The control plane as an upstream: HTTP/2 over TLS 1.3, each side knows the other by its certificate. */
export function buildXdsCluster({ xdsAddress, controlPlaneId, files }: XdsClusterOptions): JsonObject {
  const { host, port } = xdsAddress;
  const isAddress = isIP(host) !== 0;
  return {
    name: XDS_CLUSTER,
    type: isAddress ? "STATIC" : "STRICT_DNS",
    connect_timeout: "5s",
    typed_extension_protocol_options: {
      [HTTP_OPTIONS]: {
        "@type": `type.googleapis.com/${HTTP_OPTIONS}`,
        explicit_http_config: {
          // The stream is silent for hours: a control plane that is gone must be noticed all the same.
          http2_protocol_options: { connection_keepalive: { interval: "30s", timeout: "10s" } },
        },
      },
    },
    load_assignment: {
      cluster_name: XDS_CLUSTER,
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address: host, port_value: port } } } }] },
      ],
    },
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": TLS,
        ...(!isAddress && { sni: host }),
        common_tls_context: {
          tls_params: { tls_minimum_protocol_version: "TLSv1_3", tls_maximum_protocol_version: "TLSv1_3" },
          alpn_protocols: ["h2"],
          tls_certificate_sds_secret_configs: [
            { name: CERTIFICATE_SECRET, sds_config: fileSource(files.certificateSecret) },
          ],
          combined_validation_context: {
            default_validation_context: {
              match_typed_subject_alt_names: [{ san_type: "URI", matcher: { exact: controlPlaneId } }],
            },
            validation_context_sds_secret_config: { name: TRUST_SECRET, sds_config: fileSource(files.trustSecret) },
          },
        },
      },
    },
  };
}
