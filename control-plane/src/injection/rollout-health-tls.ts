import { fileSource } from "./file-source.js";
import type { SidecarFiles } from "./identity-files.js";
import { CERTIFICATE_SECRET, TRUST_SECRET } from "./identity-secrets.js";
import type { JsonObject } from "./json.js";

/** Who may ask a sidecar for its health. */
export interface ControlPlanePeer {
  /** SPIFFE id that the control plane's certificate must have. */
  readonly controlPlaneId: string;
  readonly files: SidecarFiles;
}

const TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

/** TLS 1.3 with the sidecar's own certificate, for a client that proves to be the control plane. */
export function buildControlPlaneTls({ controlPlaneId, files }: ControlPlanePeer): JsonObject {
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": TLS,
      require_client_certificate: true,
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: "TLSv1_3", tls_maximum_protocol_version: "TLSv1_3" },
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
  };
}
