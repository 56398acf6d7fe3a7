import {
  create,
  createRegistry,
  type DescMessage,
  fromBinary,
  type JsonValue,
  type MessageInitShape,
  toJson,
} from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { ClusterSchema } from "../envoy-api/gen/envoy/config/cluster/v3/cluster_pb.js";
import { TypedExtensionConfigSchema } from "../envoy-api/gen/envoy/config/core/v3/extension_pb.js";
import { ClusterLoadAssignmentSchema } from "../envoy-api/gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "../envoy-api/gen/envoy/config/listener/v3/listener_pb.js";
import { FilterConfigSchema } from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import { RouteConfigurationSchema } from "../envoy-api/gen/envoy/config/route/v3/route_pb.js";
import { OpenTelemetryConfigSchema } from "../envoy-api/gen/envoy/config/trace/v3/opentelemetry_pb.js";
import { ZipkinConfigSchema } from "../envoy-api/gen/envoy/config/trace/v3/zipkin_pb.js";
import { FileAccessLogSchema } from "../envoy-api/gen/envoy/extensions/access_loggers/file/v3/file_pb.js";
import { ExpressionFilterSchema } from "../envoy-api/gen/envoy/extensions/access_loggers/filters/cel/v3/cel_pb.js";
import { OpenTelemetryAccessLogConfigSchema } from "../envoy-api/gen/envoy/extensions/access_loggers/open_telemetry/v3/logs_service_pb.js";
import { ConfigSchema as StatsAccessLogSchema } from "../envoy-api/gen/envoy/extensions/access_loggers/stats/v3/stats_pb.js";
import {
  StderrAccessLogSchema,
  StdoutAccessLogSchema,
} from "../envoy-api/gen/envoy/extensions/access_loggers/stream/v3/stream_pb.js";
import { CorsPolicySchema, CorsSchema } from "../envoy-api/gen/envoy/extensions/filters/http/cors/v3/cors_pb.js";
import { HTTPFaultSchema } from "../envoy-api/gen/envoy/extensions/filters/http/fault/v3/fault_pb.js";
import { FilterChainConfigSchema } from "../envoy-api/gen/envoy/extensions/filters/http/filter_chain/v3/filter_chain_pb.js";
import { JwtAuthenticationSchema } from "../envoy-api/gen/envoy/extensions/filters/http/jwt_authn/v3/config_pb.js";
import { OnDemandSchema } from "../envoy-api/gen/envoy/extensions/filters/http/on_demand/v3/on_demand_pb.js";
import { RBACSchema } from "../envoy-api/gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js";
import { RouterSchema } from "../envoy-api/gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import { WasmSchema } from "../envoy-api/gen/envoy/extensions/filters/http/wasm/v3/wasm_pb.js";
import { HttpInspectorSchema } from "../envoy-api/gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.js";
import { OriginalDstSchema } from "../envoy-api/gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js";
import { TlsInspectorSchema } from "../envoy-api/gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js";
import { ConfigSchema as DirectResponseSchema } from "../envoy-api/gen/envoy/extensions/filters/network/direct_response/v3/config_pb.js";
import { HttpConnectionManagerSchema } from "../envoy-api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { RBACSchema as NetworkRBACSchema } from "../envoy-api/gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.js";
import { TcpProxySchema } from "../envoy-api/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import { WasmSchema as NetworkWasmSchema } from "../envoy-api/gen/envoy/extensions/filters/network/wasm/v3/wasm_pb.js";
import { DnsFilterConfigSchema } from "../envoy-api/gen/envoy/extensions/filters/udp/dns_filter/v3/dns_filter_pb.js";
import { CaresDnsResolverConfigSchema } from "../envoy-api/gen/envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver_pb.js";
import { PreviousHostsPredicateSchema } from "../envoy-api/gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js";
import { PreviousPrioritiesConfigSchema } from "../envoy-api/gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.js";
import { RawBufferSchema } from "../envoy-api/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js";
import { SecretSchema } from "../envoy-api/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "../envoy-api/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { HttpProtocolOptionsSchema } from "../envoy-api/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import type { Resource, ResourceType } from "../model/resource.js";

const SCHEMAS: Readonly<Record<ResourceType, DescMessage>> = {
  cluster: ClusterSchema,
  endpoints: ClusterLoadAssignmentSchema,
  listener: ListenerSchema,
  routes: RouteConfigurationSchema,
  extension: TypedExtensionConfigSchema,
  secret: SecretSchema,
};

/** What may stand in an Any of ours. */
const registry = createRegistry(
  ...Object.values(SCHEMAS),
  CaresDnsResolverConfigSchema,
  CorsPolicySchema,
  CorsSchema,
  DirectResponseSchema,
  DnsFilterConfigSchema,
  DownstreamTlsContextSchema,
  ExpressionFilterSchema,
  FileAccessLogSchema,
  FilterChainConfigSchema,
  FilterConfigSchema,
  HTTPFaultSchema,
  HttpConnectionManagerSchema,
  HttpProtocolOptionsSchema,
  JwtAuthenticationSchema,
  NetworkRBACSchema,
  NetworkWasmSchema,
  OnDemandSchema,
  OpenTelemetryAccessLogConfigSchema,
  OpenTelemetryConfigSchema,
  PreviousHostsPredicateSchema,
  PreviousPrioritiesConfigSchema,
  RawBufferSchema,
  RBACSchema,
  RouterSchema,
  StatsAccessLogSchema,
  StderrAccessLogSchema,
  StdoutAccessLogSchema,
  StringValueSchema,
  TcpProxySchema,
  TlsInspectorSchema,
  HttpInspectorSchema,
  OriginalDstSchema,
  UpstreamTlsContextSchema,
  WasmSchema,
  ZipkinConfigSchema,
);

/** A message in Envoy's JSON form, which its configuration files take. */
export function messageToJson<T extends DescMessage>(schema: T, init: MessageInitShape<T>): JsonValue {
  return toJson(schema, create(schema, init), { registry, useProtoFieldName: true });
}

/** A resource for people and for Envoy's configuration files; undefined while its bytes cannot be had. */
export function resourceToJson({ type, bytes }: Resource): JsonValue | undefined {
  if (bytes === undefined) return undefined;
  const schema = SCHEMAS[type];
  return toJson(schema, fromBinary(schema, bytes), { registry, useProtoFieldName: true });
}
