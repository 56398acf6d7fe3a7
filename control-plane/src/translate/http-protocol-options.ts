import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ClusterSchema } from "../envoy-api/gen/envoy/config/cluster/v3/cluster_pb.js";
import { HttpProtocolOptionsSchema } from "../envoy-api/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import { mayBeHttp, type Protocol } from "../model/service.js";
import type { ClientTls, ConnectionPool, TrafficPolicy } from "../model/traffic-policy.js";
import { milliseconds } from "./duration.js";
import { pack } from "./encode.js";

type ClusterInit = MessageInitShape<typeof ClusterSchema>;
type OptionsInit = MessageInitShape<typeof HttpProtocolOptionsSchema>;

/**
 * Which HTTP a cluster speaks and for how long: HTTP/2 on a port that says so, else what the caller speaks.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/api-v3/extensions/upstreams/http/v3/http_protocol_options.proto
 */
export function httpProtocolOptions(
  { connectionPool = {}, tls }: TrafficPolicy,
  protocol: Protocol,
): Pick<ClusterInit, "typedExtensionProtocolOptions"> {
  if (!mayBeHttp(protocol)) return {};
  return {
    typedExtensionProtocolOptions: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(HttpProtocolOptionsSchema, {
        ...common(connectionPool),
        ...serverName(tls),
        upstreamProtocolOptions: version(connectionPool, protocol),
      }),
    },
  };
}

function version(
  { upgradeToHttp2 = false, useClientProtocol = false, maxConcurrentStreams }: ConnectionPool,
  protocol: Protocol,
): NonNullable<OptionsInit["upstreamProtocolOptions"]> {
  const http2ProtocolOptions = maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams };
  if (!useClientProtocol && (protocol === "http2" || upgradeToHttp2))
    return {
      case: "explicitHttpConfig",
      value: { protocolConfig: { case: "http2ProtocolOptions", value: http2ProtocolOptions } },
    };
  return { case: "useDownstreamProtocolConfig", value: { httpProtocolOptions: {}, http2ProtocolOptions } };
}

function common(pool: ConnectionPool): Pick<OptionsInit, "commonHttpProtocolOptions"> {
  const { httpIdleTimeoutMs, maxConnectionDurationMs, maxRequestsPerConnection } = pool;
  const options = {
    ...(httpIdleTimeoutMs === undefined ? {} : { idleTimeout: milliseconds(httpIdleTimeoutMs) }),
    ...(maxConnectionDurationMs === undefined ? {} : { maxConnectionDuration: milliseconds(maxConnectionDurationMs) }),
    ...(maxRequestsPerConnection === undefined ? {} : { maxRequestsPerConnection }),
  };
  return Object.keys(options).length === 0 ? {} : { commonHttpProtocolOptions: options };
}

/** A server outside the mesh is asked for the host that the caller wants, and must show a certificate for it. */
function serverName(tls: ClientTls | undefined): Pick<OptionsInit, "upstreamHttpProtocolOptions"> {
  if (tls === undefined || !("trust" in tls) || tls.sni !== undefined) return {};
  const autoSanValidation = tls.subjectAltNames.length === 0 && tls.trust.kind !== "nobody";
  return { upstreamHttpProtocolOptions: { autoSni: true, autoSanValidation } };
}
