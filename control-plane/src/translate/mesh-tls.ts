import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { TransportSocketSchema } from "../envoy-api/gen/envoy/config/core/v3/base_pb.js";
import {
  SubjectAltNameMatcher_SanType,
  type SubjectAltNameMatcherSchema,
  TlsParameters_TlsProtocol,
} from "../envoy-api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js";
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "../envoy-api/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { StringMatcherSchema } from "../envoy-api/gen/envoy/type/matcher/v3/string_pb.js";
import { ADS } from "./config-source.js";
import { pack } from "./encode.js";
import { IDENTITY_SECRET, TRUST_SECRET } from "./names.js";

type UriMatch = { readonly case: "exact" | "prefix"; readonly value: string };

function commonTlsContext(peers: readonly UriMatch[]): MessageInitShape<typeof CommonTlsContextSchema> {
  const matchers: MessageInitShape<typeof SubjectAltNameMatcherSchema>[] = peers.map((matchPattern) => ({
    sanType: SubjectAltNameMatcher_SanType.URI,
    matcher: create(StringMatcherSchema, { matchPattern }),
  }));
  return {
    tlsParams: {
      tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
      tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
    },
    tlsCertificateSdsSecretConfigs: [{ name: IDENTITY_SECRET, sdsConfig: ADS }],
    validationContextType: {
      case: "combinedValidationContext",
      value: {
        defaultValidationContext: { matchTypedSubjectAltNames: matchers },
        validationContextSdsSecretConfig: { name: TRUST_SECRET, sdsConfig: ADS },
      },
    },
  };
}

/** TLS to a peer that must be one of these SPIFFE ids. No ALPN: Envoy's pools choose h2 or http/1.1 by themselves. */
export function upstreamMeshTls(
  serverName: string,
  peers: readonly UriMatch[],
): MessageInitShape<typeof TransportSocketSchema> {
  return {
    name: "envoy.transport_sockets.tls",
    configType: {
      case: "typedConfig",
      value: pack(UpstreamTlsContextSchema, { sni: serverName, commonTlsContext: commonTlsContext(peers) }),
    },
  };
}

/** TLS from a peer that must show a certificate of the mesh. Who may call whom is authorization's matter. */
export function downstreamMeshTls(trustDomain: string): MessageInitShape<typeof TransportSocketSchema> {
  return {
    name: "envoy.transport_sockets.tls",
    configType: {
      case: "typedConfig",
      value: pack(DownstreamTlsContextSchema, {
        requireClientCertificate: true,
        commonTlsContext: commonTlsContext([{ case: "prefix", value: `spiffe://${trustDomain}/` }]),
      }),
    },
  };
}
