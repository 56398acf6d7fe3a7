import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Tracing_HttpSchema } from "../envoy-api/gen/envoy/config/trace/v3/http_tracer_pb.js";
import { OpenTelemetryConfigSchema } from "../envoy-api/gen/envoy/config/trace/v3/opentelemetry_pb.js";
import {
  ZipkinConfig_CollectorEndpointVersion,
  ZipkinConfig_TraceContextOption,
  ZipkinConfigSchema,
} from "../envoy-api/gen/envoy/config/trace/v3/zipkin_pb.js";
import type { HttpConnectionManager_TracingSchema } from "../envoy-api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import type { CustomTagSchema } from "../envoy-api/gen/envoy/type/tracing/v3/custom_tag_pb.js";
import type { Direction } from "../model/plugin.js";
import type { Snapshot } from "../model/snapshot.js";
import type { SpanTag, TraceProvider } from "../model/telemetry.js";
import type { Workload } from "../model/workload.js";
import { pack } from "./encode.js";
import { telemetryCluster } from "./names.js";
import { collectorService, telemetryOf } from "./telemetry-sites.js";
import { workloadIdentity } from "./workload-identity.js";

type TagInit = MessageInitShape<typeof CustomTagSchema>;

/**
 * The spans of one side of a workload; undefined where there are none. A request whose caller decided whether it is
 * traced keeps that decision: an app has to pass the headers on, as Envoy cannot know which request follows from which.
 */
export function tracing(
  snapshot: Snapshot,
  workload: Workload,
  direction: Direction,
): MessageInitShape<typeof HttpConnectionManager_TracingSchema> | undefined {
  const { tracing: effective } = telemetryOf(snapshot, workload, direction);
  if (effective === undefined) return undefined;
  const own = new Set(effective.tags.map(([name]) => name));
  return {
    provider: tracer(effective.provider, workload),
    clientSampling: { value: 100 },
    randomSampling: { value: effective.samplingPercentage },
    overallSampling: { value: 100 },
    customTags: [
      ...standardTags(workload).filter(({ tag }) => !own.has(tag)),
      ...effective.tags.map(([name, tag]) => customTag(name, tag)),
    ],
  };
}

function tracer(provider: TraceProvider, workload: Workload): MessageInitShape<typeof Tracing_HttpSchema> {
  if (provider.kind === "zipkin")
    return {
      name: "envoy.tracers.zipkin",
      configType: {
        case: "typedConfig",
        value: pack(ZipkinConfigSchema, {
          collectorCluster: telemetryCluster(provider.name),
          collectorEndpoint: provider.path,
          collectorHostname: provider.server.host,
          collectorEndpointVersion: ZipkinConfig_CollectorEndpointVersion.HTTP_JSON,
          // Caller and server each have a span, as OpenTelemetry wants it, and both kinds of headers are understood.
          sharedSpanContext: false,
          traceContextOption: ZipkinConfig_TraceContextOption.USE_B3_WITH_W3C_PROPAGATION,
        }),
      },
    };
  return {
    name: "envoy.tracers.opentelemetry",
    configType: {
      case: "typedConfig",
      value: pack(OpenTelemetryConfigSchema, {
        serviceName: serviceName(workload),
        grpcService: collectorService(provider),
      }),
    },
  };
}

/** As Istio names services in traces. */
function serviceName(workload: Workload): string {
  const { canonical_service, namespace } = workloadIdentity(workload);
  return `${canonical_service}.${namespace}`;
}

/** Sorted by name. */
function standardTags(workload: Workload): { readonly tag: string; readonly type: NonNullable<TagInit["type"]> }[] {
  const { canonical_service, canonical_revision, namespace } = workloadIdentity(workload);
  const literal = (tag: string, value: string) => ({ tag, type: { case: "literal" as const, value: { value } } });
  return [
    literal("istio.canonical_revision", canonical_revision),
    literal("istio.canonical_service", canonical_service),
    literal("istio.namespace", namespace),
    { tag: "route_name", type: { case: "value", value: "%ROUTE_NAME%" } },
    literal("workload", workload.name),
  ];
}

function customTag(tag: string, value: SpanTag): TagInit {
  switch (value.kind) {
    case "literal":
      return { tag, type: { case: "literal", value: { value: value.value } } };
    case "header":
      return {
        tag,
        type: { case: "requestHeader", value: { name: value.name, defaultValue: value.defaultValue ?? "" } },
      };
    case "environment":
      return {
        tag,
        type: { case: "environment", value: { name: value.name, defaultValue: value.defaultValue ?? "" } },
      };
    case "format":
      return { tag, type: { case: "value", value: value.value } };
  }
}
