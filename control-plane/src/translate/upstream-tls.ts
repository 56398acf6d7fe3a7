import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { TransportSocketSchema } from "../envoy-api/gen/envoy/config/core/v3/base_pb.js";
import {
  SubjectAltNameMatcher_SanType as SanType,
  type SubjectAltNameMatcherSchema,
  TlsParameters_TlsProtocol,
} from "../envoy-api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js";
import {
  type CommonTlsContextSchema,
  UpstreamTlsContextSchema,
} from "../envoy-api/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { StringMatcherSchema } from "../envoy-api/gen/envoy/type/matcher/v3/string_pb.js";
import { isAddress } from "../model/callout.js";
import type { ServerTls } from "../model/traffic-policy.js";
import { ADS } from "./config-source.js";
import { pack } from "./encode.js";
import { PUBLIC_TRUST_SECRET } from "./names.js";

type Validation = NonNullable<MessageInitShape<typeof CommonTlsContextSchema>["validationContextType"]>;

/**
 * TLS to a server outside the mesh. It must show a certificate for one of the policy's names, or for the name that it
 * is asked for; `host` is asked for where neither the policy nor a request says another.
 */
export function outsideTls(tls: ServerTls, host: string | undefined): MessageInitShape<typeof TransportSocketSchema> {
  const { certificate, sni = host } = tls;
  const names = tls.subjectAltNames.length === 0 && sni !== undefined ? [sni] : tls.subjectAltNames;
  return {
    name: "envoy.transport_sockets.tls",
    configType: {
      case: "typedConfig",
      value: pack(UpstreamTlsContextSchema, {
        ...(sni === undefined ? {} : { sni }),
        commonTlsContext: {
          tlsParams: { tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_2 },
          ...(certificate === undefined
            ? {}
            : {
                tlsCertificates: [
                  {
                    certificateChain: { specifier: { case: "filename", value: certificate.chainPath } },
                    privateKey: { specifier: { case: "filename", value: certificate.keyPath } },
                  },
                ],
              }),
          ...validationOf(tls, names),
        },
      }),
    },
  };
}

function validationOf({ trust }: ServerTls, names: readonly string[]): { validationContextType?: Validation } {
  const matchTypedSubjectAltNames = names.map(matcherOf);
  switch (trust.kind) {
    case "nobody":
      return {};
    case "public":
      return {
        validationContextType: {
          case: "combinedValidationContext",
          value: {
            defaultValidationContext: { matchTypedSubjectAltNames },
            validationContextSdsSecretConfig: { name: PUBLIC_TRUST_SECRET, sdsConfig: ADS },
          },
        },
      };
    case "file":
      return {
        validationContextType: {
          case: "validationContext",
          value: {
            trustedCa: { specifier: { case: "filename", value: trust.path } },
            matchTypedSubjectAltNames,
          },
        },
      };
  }
}

/** A name that a certificate may show: an identity, an address or a host. */
function matcherOf(name: string): MessageInitShape<typeof SubjectAltNameMatcherSchema> {
  const sanType = name.includes("://") ? SanType.URI : isAddress(name) ? SanType.IP_ADDRESS : SanType.DNS;
  return { sanType, matcher: create(StringMatcherSchema, { matchPattern: { case: "exact", value: name } }) };
}
