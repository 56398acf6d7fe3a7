import type { IdentityReport } from "../identity/identity-report.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { ModuleState } from "../model/module-state.js";
import type { ObjectRef } from "../model/object-ref.js";
import type { RolloutReport } from "../model/rollout.js";
import type { ProxySync } from "../xds/provider.js";

/** Where the gauges of a running control plane come from. */
export interface MetricSources {
  readonly streams: () => readonly Pick<ProxySync, "proxyKey" | "protocol">[];
  readonly objects: () => Iterable<ObjectRef>;
  readonly diagnostics: () => readonly Diagnostic[];
  readonly modules: () => ReadonlyMap<string, ModuleState>;
  readonly rollouts: () => readonly Pick<RolloutReport, "state">[];
  readonly identity: () => IdentityReport;
  /** Whether this replica is the one that writes. */
  readonly isLeader: () => boolean;
}

export interface ObservedSeries {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

const PROTOCOLS: readonly ProxySync["protocol"][] = ["incremental", "state-of-the-world"];
const MODULE_KINDS: readonly ModuleState["kind"][] = ["pending", "ready", "failed"];
const ROLLOUT_STATES: readonly RolloutReport["state"][] = [
  "Progressing",
  "Paused",
  "Completed",
  "RolledBack",
  "Aborted",
];

/** What is counted anew at each look. Labels have few values, whatever users write: kinds that exist, states, roles. */
export function observedSeries(sources: MetricSources): readonly ObservedSeries[] {
  const streams = sources.streams();
  const diagnostics = sources.diagnostics();
  const refused = new Map(
    diagnostics.flatMap(({ severity, object }) =>
      severity === "error" && object !== undefined
        ? [[`${object.kind}/${object.namespace}/${object.name}`, object.kind]]
        : [],
    ),
  );
  const identity = sources.identity();
  return [
    {
      ...named("weft_connected_proxies", "Proxies that have a stream to this replica"),
      samples: [{ labels: {}, value: new Set(streams.map(({ proxyKey }) => proxyKey)).size }],
    },
    counted("weft_xds_streams", "Streams of proxies", "protocol", PROTOCOLS, mapped(streams, "protocol")),
    counted("weft_objects", "Objects that are read", "kind", [], mapped(sources.objects(), "kind")),
    counted("weft_rejected_objects", "Objects with an error, by kind", "kind", [], refused.values()),
    counted(
      "weft_diagnostics",
      "What is wrong now with objects, files, and what proxies say",
      "severity",
      ["error", "warning"],
      mapped(diagnostics, "severity"),
    ),
    counted(
      "weft_plugins",
      "Plugins, by what is known of the version that is wanted",
      "state",
      MODULE_KINDS,
      mapped(sources.modules().values(), "kind"),
    ),
    counted(
      "weft_plugin_rollouts",
      "Rollouts that are under way, or were last",
      "state",
      ROLLOUT_STATES.map(snakeCase),
      mapped(sources.rollouts(), "state").map(snakeCase),
    ),
    {
      ...named(
        "weft_certificate_expiration_timestamp_seconds",
        "When the certificate that ends first in its role ends, in seconds since 1970",
        "certificate",
      ),
      samples: certificateEnds(identity),
    },
    counted(
      "weft_certificate_warnings",
      "Certificates that ended, or should have been replaced by now",
      "severity",
      ["error", "warning"],
      mapped(identity.warnings, "severity"),
    ),
    {
      ...named("weft_leader", "1 if this replica is the one that writes status, signs, and rolls out"),
      samples: [{ labels: {}, value: sources.isLeader() ? 1 : 0 }],
    },
  ];
}

/** A root that is retiring ends as it should. Of a workload the newest certificate counts, of all workloads the first end. */
function certificateEnds({ authorities, controlPlane, workloads }: IdentityReport): ObservedSeries["samples"] {
  const inUse = [...authorities.filter(({ state }) => state !== "retiring"), ...controlPlane];
  const endsOf = (role: string) => inUse.flatMap((one) => (one.role === role ? [one.notAfterMs] : []));
  const newest = new Map<string, number>();
  for (const { workload, notAfterMs } of workloads)
    newest.set(workload, Math.max(notAfterMs, newest.get(workload) ?? 0));
  const ends: Readonly<Record<string, readonly number[]>> = {
    root: endsOf("root"),
    intermediate: endsOf("intermediate"),
    control_plane: endsOf("leaf"),
    workload: [...newest.values()],
  };
  return Object.entries(ends).flatMap(([certificate, all]) => {
    const firstMs = all.reduce((first, end) => Math.min(first, end), Number.POSITIVE_INFINITY);
    return Number.isFinite(firstMs) ? [{ labels: { certificate }, value: firstMs / 1000 }] : [];
  });
}

function named(name: string, help: string, ...labelNames: readonly string[]) {
  return { name, help, labelNames };
}

/** How many there are of each value; those that are always told are so with 0 too. */
function counted(
  name: string,
  help: string,
  label: string,
  always: readonly string[],
  values: Iterable<string>,
): ObservedSeries {
  const counts = new Map(always.map((value) => [value, 0]));
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const samples = [...counts].map(([value, count]) => ({ labels: { [label]: value }, value: count }));
  return { ...named(name, help, label), samples };
}

function mapped<K extends string, V extends string>(items: Iterable<{ readonly [key in K]: V }>, key: K): readonly V[] {
  return Array.from(items, (item) => item[key]);
}

function snakeCase(text: string): string {
  return text.replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
