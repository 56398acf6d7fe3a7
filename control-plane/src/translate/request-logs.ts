import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import {
  type AccessLogFilterSchema,
  type AccessLogSchema,
  ComparisonFilter_Op,
} from "../envoy-api/gen/envoy/config/accesslog/v3/accesslog_pb.js";
import { AccessLogType } from "../envoy-api/gen/envoy/data/accesslog/v3/accesslog_pb.js";
import { FileAccessLogSchema } from "../envoy-api/gen/envoy/extensions/access_loggers/file/v3/file_pb.js";
import { ExpressionFilterSchema } from "../envoy-api/gen/envoy/extensions/access_loggers/filters/cel/v3/cel_pb.js";
import { OpenTelemetryAccessLogConfigSchema } from "../envoy-api/gen/envoy/extensions/access_loggers/open_telemetry/v3/logs_service_pb.js";
import {
  StderrAccessLogSchema,
  StdoutAccessLogSchema,
} from "../envoy-api/gen/envoy/extensions/access_loggers/stream/v3/stream_pb.js";
import { compareStrings } from "../model/compare.js";
import type { Direction } from "../model/plugin.js";
import type { Snapshot } from "../model/snapshot.js";
import type { AccessLogRule, LogFormat, LogProvider } from "../model/telemetry.js";
import type { Workload } from "../model/workload.js";
import { pack } from "./encode.js";
import { METADATA_NAMESPACE } from "./names.js";
import { collectorService, telemetryOf } from "./telemetry-sites.js";
import { workloadIdentity } from "./workload-identity.js";

type AccessLogInit = MessageInitShape<typeof AccessLogSchema>;
type FilterInit = MessageInitShape<typeof AccessLogFilterSchema>;

const listener = (key: string): string => `%METADATA(LISTENER:${METADATA_NAMESPACE}:${key})%`;
const cluster = (key: string): string => `%METADATA(CLUSTER:${METADATA_NAMESPACE}:${key})%`;

/**
 * What a line says where nobody says otherwise. The path is without its query, and no header is there that may hold a
 * secret. For a TCP connection the fields of requests are absent.
 */
const DEFAULT_FIELDS: Readonly<Record<string, string>> = {
  start_time: "%START_TIME%",
  reporter: listener("reporter"),
  workload: listener("workload"),
  workload_namespace: listener("namespace"),
  caller: "%DOWNSTREAM_PEER_URI_SAN%",
  method: "%REQ(:METHOD)%",
  authority: "%REQ(:AUTHORITY)%",
  path: "%PATH(NQ:ORIG_OR_PATH)%",
  protocol: "%PROTOCOL%",
  response_code: "%RESPONSE_CODE%",
  response_code_details: "%RESPONSE_CODE_DETAILS%",
  response_flags: "%RESPONSE_FLAGS%",
  grpc_status: "%GRPC_STATUS%",
  duration_ms: "%DURATION%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  route: "%ROUTE_NAME%",
  destination_service: cluster("host"),
  subset: cluster("subset"),
  upstream_cluster: "%UPSTREAM_CLUSTER_RAW%",
  upstream_host: "%UPSTREAM_HOST%",
  upstream_attempts: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
  upstream_failure: "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
  termination: "%CONNECTION_TERMINATION_DETAILS%",
  downstream_address: "%DOWNSTREAM_REMOTE_ADDRESS%",
  server_name: "%REQUESTED_SERVER_NAME%",
  request_id: "%REQ(X-REQUEST-ID)%",
  trace_id: "%TRACE_ID%",
  user_agent: "%REQ(USER-AGENT)%",
};

/** The logs of one side of a workload, for HTTP requests or for TCP connections. */
export function requestLogs(
  snapshot: Snapshot,
  workload: Workload,
  direction: Direction,
  protocol: "http" | "tcp",
): AccessLogInit[] {
  return telemetryOf(snapshot, workload, direction).logs.map(({ provider, rule }) => {
    const filter = ruleFilter(rule, protocol);
    return { ...providerLog(provider, workload), ...(filter && { filter }) };
  });
}

function providerLog(provider: LogProvider, workload: Workload): Pick<AccessLogInit, "name" | "configType"> {
  if (provider.kind === "file") return fileLog(provider.path, logFormat(provider.format));
  const { workload: name, namespace } = workloadIdentity(workload);
  return {
    name: "envoy.access_loggers.open_telemetry",
    configType: {
      case: "typedConfig",
      value: pack(OpenTelemetryAccessLogConfigSchema, {
        logName: "weft",
        grpcService: collectorService(provider),
        resourceAttributes: attributes({ "service.name": name, "service.namespace": namespace }),
        attributes: attributes(DEFAULT_FIELDS),
      }),
    },
  };
}

/** Streams of the process are not opened as files, which Envoy could not do where they are sockets. */
function fileLog(path: string, format: SubstitutionFormat): Pick<AccessLogInit, "name" | "configType"> {
  const accessLogFormat = { case: "logFormat" as const, value: format };
  const stream =
    path === "/dev/stdout" ? StdoutAccessLogSchema : path === "/dev/stderr" ? StderrAccessLogSchema : undefined;
  return {
    name: "envoy.access_loggers.file",
    configType: {
      case: "typedConfig",
      value:
        stream === undefined ? pack(FileAccessLogSchema, { path, accessLogFormat }) : pack(stream, { accessLogFormat }),
    },
  };
}

type SubstitutionFormat = Extract<
  NonNullable<MessageInitShape<typeof FileAccessLogSchema>["accessLogFormat"]>,
  { case: "logFormat" }
>["value"];

function logFormat(format: LogFormat): SubstitutionFormat {
  if (format.kind === "text")
    return { format: { case: "textFormatSource", value: { specifier: { case: "inlineString", value: format.text } } } };
  const fields: JsonObject = { ...(format.kind === "json" ? format.fields : DEFAULT_FIELDS) };
  return { format: { case: "jsonFormat", value: fields }, omitEmptyValues: true };
}

type KeyValues = NonNullable<MessageInitShape<typeof OpenTelemetryAccessLogConfigSchema>["attributes"]>;

function attributes(values: Readonly<Record<string, string>>): KeyValues {
  return {
    values: Object.entries(values)
      .sort(([a], [b]) => compareStrings(a, b))
      .map(([key, value]) => ({ key, value: { value: { case: "stringValue" as const, value } } })),
  };
}

/** Which requests; undefined: all. */
function ruleFilter({ mode, expression }: AccessLogRule, protocol: "http" | "tcp"): FilterInit | undefined {
  const filters: FilterInit[] = [
    ...(mode === "errors" ? [errors(protocol)] : []),
    ...(expression === undefined ? [] : [whereTrue(expression)]),
    // tcp_proxy logs a connection several times where an option asks for it.
    ...(protocol === "tcp" ? [logTypes(AccessLogType.TcpConnectionEnd)] : []),
  ];
  const [first, ...more] = filters;
  return more.length === 0 ? first : { filterSpecifier: { case: "andFilter", value: { filters } } };
}

/** What failed: a status of 400 or more, a gRPC status, or a flag of Envoy. A TCP connection fails by its flags. */
function errors(protocol: "http" | "tcp"): FilterInit {
  const flags: FilterInit = { filterSpecifier: { case: "responseFlagFilter", value: {} } };
  if (protocol === "tcp") return flags;
  const status: FilterInit = {
    filterSpecifier: {
      case: "statusCodeFilter",
      value: {
        comparison: {
          op: ComparisonFilter_Op.GE,
          value: { defaultValue: 400, runtimeKey: "weft.access_log.least_status" },
        },
      },
    },
  };
  const grpc: FilterInit = {
    filterSpecifier: { case: "grpcStatusFilter", value: { statuses: [GRPC_OK], exclude: true } },
  };
  const isGrpc: FilterInit = {
    filterSpecifier: {
      case: "headerFilter",
      value: {
        header: {
          name: "content-type",
          headerMatchSpecifier: {
            case: "stringMatch",
            value: { matchPattern: { case: "prefix", value: "application/grpc" } },
          },
        },
      },
    },
  };
  // Without gRPC the filter makes a status out of the HTTP one, so it is asked for gRPC only.
  const failedGrpc: FilterInit = { filterSpecifier: { case: "andFilter", value: { filters: [isGrpc, grpc] } } };
  return { filterSpecifier: { case: "orFilter", value: { filters: [status, flags, failedGrpc] } } };
}

const GRPC_OK = 0;

function whereTrue(expression: string): FilterInit {
  return {
    filterSpecifier: {
      case: "extensionFilter",
      value: {
        name: "envoy.access_loggers.extension_filters.cel",
        configType: { case: "typedConfig", value: pack(ExpressionFilterSchema, { expression }) },
      },
    },
  };
}

function logTypes(...types: AccessLogType[]): FilterInit {
  return { filterSpecifier: { case: "logTypeFilter", value: { types } } };
}
