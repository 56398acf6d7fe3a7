import type { Callout } from "./callout.js";
import { compareStrings } from "./compare.js";
import type { Direction } from "./plugin.js";
import { type Labels, matchesLabels } from "./selector.js";
import type { Workload } from "./workload.js";

/** How a line of a log is written. The texts are Envoy's format strings. */
export type LogFormat =
  /** The fields that say who called whom, and how it went. */
  | { readonly kind: "default" }
  | { readonly kind: "json"; readonly fields: Readonly<Record<string, string>> }
  | { readonly kind: "text"; readonly text: string };

/** Where logs or traces go, by a name that policies use. */
export type TelemetryProvider =
  | { readonly kind: "file"; readonly name: string; readonly path: string; readonly format: LogFormat }
  /** OTLP over gRPC, for logs and traces. */
  | { readonly kind: "openTelemetry"; readonly name: string; readonly server: TelemetryServer }
  /** Zipkin's HTTP API, for traces. */
  | { readonly kind: "zipkin"; readonly name: string; readonly server: TelemetryServer; readonly path: string };

export type LogProvider = Exclude<TelemetryProvider, { readonly kind: "zipkin" }>;
export type TraceProvider = Exclude<TelemetryProvider, { readonly kind: "file" }>;

export type TelemetryServer = Omit<Callout, "name">;

/** The provider that is there without being defined: JSON to the sidecar's standard output. */
export const STDOUT: TelemetryProvider = {
  kind: "file",
  name: "stdout",
  path: "/dev/stdout",
  format: { kind: "default" },
};

/** Which requests are logged: none, all, or those that fail. */
export type AccessLogMode = "off" | "on" | "errors";

/** One rule of access logging. */
export interface AccessLogRule {
  /** Absent: both sides. */
  readonly direction?: Direction;
  /** Empty: those of the wider scope. */
  readonly providers: readonly string[];
  readonly mode: AccessLogMode;
  /** CEL: only what it is true for. */
  readonly expression?: string;
}

/** What a span says beyond what Envoy makes it say. */
export type SpanTag =
  | { readonly kind: "literal"; readonly value: string }
  | { readonly kind: "header"; readonly name: string; readonly defaultValue?: string }
  /** Of the sidecar's own process. */
  | { readonly kind: "environment"; readonly name: string; readonly defaultValue?: string }
  | { readonly kind: "format"; readonly value: string };

/** Tracing, of which what is absent is as the wider scope says. */
export interface TracingRule {
  readonly direction?: Direction;
  readonly providers?: readonly string[];
  /** 0 to 100: the share of requests, among those that nobody decided about before, of which there are spans. */
  readonly samplingPercentage?: number;
  readonly reportsSpans?: boolean;
  readonly tags: Readonly<Record<string, SpanTag>>;
}

/** A Telemetry object. */
export interface Telemetry {
  readonly namespace: string;
  readonly name: string;
  /** Absent: the whole namespace, or the whole mesh in the root namespace. */
  readonly selector?: Labels;
  /** Empty: as the wider scope says. */
  readonly accessLogging: readonly AccessLogRule[];
  readonly tracing: readonly TracingRule[];
}

/** What the mesh says where no Telemetry does. */
export interface TelemetryDefaults {
  readonly providers: readonly TelemetryProvider[];
  readonly accessLog: { readonly mode: AccessLogMode; readonly providers: readonly string[] };
  readonly tracing: {
    readonly providers: readonly string[];
    readonly samplingPercentage: number;
    readonly tags: Readonly<Record<string, SpanTag>>;
  };
}

export const DEFAULT_TELEMETRY: TelemetryDefaults = {
  providers: [],
  accessLog: { mode: "off", providers: [STDOUT.name] },
  // As in Istio: a hundredth of the requests, once a provider is named.
  tracing: { providers: [], samplingPercentage: 1, tags: {} },
};

/** What holds for one side of one workload. */
export interface EffectiveTelemetry {
  readonly logs: readonly { readonly provider: LogProvider; readonly rule: AccessLogRule }[];
  /** Absent: no spans. */
  readonly tracing?: {
    readonly provider: TraceProvider;
    readonly samplingPercentage: number;
    readonly tags: readonly (readonly [name: string, tag: SpanTag])[];
  };
}

/**
 * Applies the scopes from the widest to the narrowest: the mesh's defaults, then the Telemetry of the root namespace, of
 * the namespace, of the workload; in each scope the first by name. Access logging is replaced as a whole, tracing field
 * by field. https://istio.io/latest/docs/reference/config/telemetry/
 */
export function effectiveTelemetry(
  defaults: TelemetryDefaults,
  telemetries: Iterable<Telemetry>,
  { workload, direction, rootNamespace }: TelemetrySite,
): EffectiveTelemetry {
  let logs: readonly AccessLogRule[] = [defaults.accessLog];
  let logProviders = defaults.accessLog.providers;
  let { providers, samplingPercentage, tags } = defaults.tracing;
  let reportsSpans = true;
  for (const { accessLogging, tracing } of scopesOf(telemetries, workload, rootNamespace)) {
    const here = accessLogging.filter((rule) => isOfSide(rule, direction));
    if (here.length > 0) {
      logs = here;
      logProviders = here.find((rule) => rule.providers.length > 0)?.providers ?? logProviders;
    }
    for (const rule of tracing.filter((candidate) => isOfSide(candidate, direction))) {
      providers = rule.providers ?? providers;
      samplingPercentage = rule.samplingPercentage ?? samplingPercentage;
      reportsSpans = rule.reportsSpans ?? reportsSpans;
      tags = { ...tags, ...rule.tags };
    }
  }
  const provider = providers.map((name) => providerOf(defaults, name)).find((found) => found !== undefined);
  return {
    logs: logs
      .filter(({ mode }) => mode !== "off")
      .flatMap((rule) =>
        (rule.providers.length > 0 ? rule.providers : logProviders).flatMap((name) => {
          const found = providerOf(defaults, name);
          return found === undefined || found.kind === "zipkin" ? [] : [{ provider: found, rule }];
        }),
      ),
    ...(provider !== undefined &&
      provider.kind !== "file" &&
      reportsSpans && {
        tracing: {
          provider,
          samplingPercentage,
          tags: Object.entries(tags).sort(([a], [b]) => compareStrings(a, b)),
        },
      }),
  };
}

export interface TelemetrySite {
  readonly workload: Workload;
  readonly direction: Direction;
  readonly rootNamespace: string;
}

/** The provider with this name: defined, or the one that is always there, which Istio calls `envoy`. */
export function providerOf({ providers }: TelemetryDefaults, name: string): TelemetryProvider | undefined {
  const defined = providers.find((provider) => provider.name === name);
  return defined ?? (name === STDOUT.name || name === "envoy" ? STDOUT : undefined);
}

/** The objects that cover a workload, the widest scope first, one for each scope. */
function scopesOf(telemetries: Iterable<Telemetry>, workload: Workload, rootNamespace: string): Telemetry[] {
  const best: (Telemetry | undefined)[] = [undefined, undefined, undefined];
  for (const telemetry of telemetries) {
    const rank = scopeRank(telemetry, workload, rootNamespace);
    if (rank === undefined) continue;
    const current = best[rank];
    if (current === undefined || compareStrings(telemetry.name, current.name) < 0) best[rank] = telemetry;
  }
  return best.filter((telemetry) => telemetry !== undefined);
}

/** 0 for the mesh, 1 for the namespace, 2 for the workload; undefined where the object does not cover it. */
function scopeRank({ namespace, selector }: Telemetry, workload: Workload, rootNamespace: string): number | undefined {
  if (selector !== undefined)
    return namespace === workload.namespace && matchesLabels(selector, workload.labels) ? 2 : undefined;
  if (namespace === rootNamespace) return 0;
  return namespace === workload.namespace ? 1 : undefined;
}

function isOfSide(rule: { readonly direction?: Direction }, direction: Direction): boolean {
  return rule.direction === undefined || rule.direction === direction;
}
