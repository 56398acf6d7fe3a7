import type { MessageInitShape } from "@bufbuild/protobuf";
import type { GrpcServiceSchema } from "../envoy-api/gen/envoy/config/core/v3/grpc_service_pb.js";
import { telemetryDefaults } from "../model/mesh-config.js";
import type { Direction } from "../model/plugin.js";
import { resolveHost } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import { type EffectiveTelemetry, effectiveTelemetry, type TelemetryProvider } from "../model/telemetry.js";
import type { Workload } from "../model/workload.js";
import { telemetryCluster } from "./names.js";
import type { ServerSite } from "./server-clusters.js";

type TelemetrySnapshot = Pick<Snapshot, "telemetries" | "meshConfigs" | "settings">;

/** What one side of a workload logs and traces. */
export function telemetryOf(
  { telemetries, meshConfigs, settings: { rootNamespace } }: TelemetrySnapshot,
  workload: Workload,
  direction: Direction,
): EffectiveTelemetry {
  return effectiveTelemetry(telemetryDefaults(meshConfigs, rootNamespace), telemetries.values(), {
    workload,
    direction,
    rootNamespace,
  });
}

/** The servers that a workload's proxy sends logs and spans to, by name. */
export function telemetrySites(snapshot: TelemetrySnapshot, workload: Workload): ServerSite[] {
  const providers = new Map<string, TelemetryProvider>();
  for (const direction of ["client", "server"] as const) {
    const { logs, tracing } = telemetryOf(snapshot, workload, direction);
    for (const { provider } of logs) providers.set(provider.name, provider);
    if (tracing !== undefined) providers.set(tracing.provider.name, tracing.provider);
  }
  return [...providers.values()].flatMap((provider) => providerSite(snapshot, provider) ?? []);
}

/** The provider's server and the cluster for it; undefined for one that is no server. */
export function providerSite(
  { settings }: Pick<Snapshot, "settings">,
  provider: TelemetryProvider,
): ServerSite | undefined {
  if (provider.kind === "file") return undefined;
  return {
    cluster: telemetryCluster(provider.name),
    // A short host is looked for where the MeshConfig is.
    namespace: settings.rootNamespace,
    server: provider.server,
  };
}

/** How Envoy calls a collector. Without an authority it would send the cluster's name, whose bar HTTP/2 does not allow. */
export function collectorService({ name, server }: CollectorProvider): MessageInitShape<typeof GrpcServiceSchema> {
  return {
    targetSpecifier: { case: "envoyGrpc", value: { clusterName: telemetryCluster(name), authority: server.host } },
    timeout: { seconds: 10n },
  };
}

type CollectorProvider = Extract<TelemetryProvider, { readonly kind: "openTelemetry" }>;

/** The clusters of providers that are this host, whether or not it is a Service. */
export function providersTo({ meshConfigs, settings }: TelemetrySnapshot, host: string): string[] {
  return telemetryDefaults(meshConfigs, settings.rootNamespace).providers.flatMap((provider) =>
    provider.kind !== "file" && resolveHost(provider.server.host, settings.rootNamespace) === host
      ? [telemetryCluster(provider.name)]
      : [],
  );
}
