import { compareStrings, sortedEntries } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { telemetryDefaults } from "../model/mesh-config.js";
import type { ObjectRef } from "../model/object-ref.js";
import type { Snapshot } from "../model/snapshot.js";
import { providerOf, STDOUT, type Telemetry, type TelemetryDefaults } from "../model/telemetry.js";
import { missing } from "./references.js";

type Context = Pick<Snapshot, "telemetries" | "meshConfigs" | "settings">;

/** What is wrong between Telemetry objects and the providers that the MeshConfig defines. */
export function checkTelemetry({ telemetries, meshConfigs, settings: { rootNamespace } }: Context): Diagnostic[] {
  const defaults = telemetryDefaults(meshConfigs, rootNamespace);
  const mesh: ObjectRef = { kind: "MeshConfig", namespace: rootNamespace, name: "default" };
  return [
    ...checkUse(mesh, "spec.accessLog", "logs", defaults.accessLog.providers, defaults),
    ...checkUse(mesh, "spec.tracing", "traces", defaults.tracing.providers, defaults),
    ...sortedEntries(telemetries).flatMap(([, telemetry]) => checkProviders(telemetry, defaults)),
    ...checkScopes(telemetries),
  ];
}

function checkProviders(
  { namespace, name, accessLogging, tracing }: Telemetry,
  defaults: TelemetryDefaults,
): Diagnostic[] {
  const object: ObjectRef = { kind: "Telemetry", namespace, name };
  return [
    ...accessLogging.flatMap(({ providers }, i) =>
      checkUse(object, `spec.accessLogging[${i}]`, "logs", providers, defaults),
    ),
    ...tracing.flatMap(({ providers = [] }, i) =>
      checkUse(object, `spec.tracing[${i}]`, "traces", providers, defaults),
    ),
  ];
}

/** A provider that is not there, or cannot take what it should; the object is in force without it. */
function checkUse(
  object: ObjectRef,
  field: string,
  use: "logs" | "traces",
  names: readonly string[],
  defaults: TelemetryDefaults,
): Diagnostic[] {
  const fit = (kind: string): boolean => kind !== (use === "logs" ? "zipkin" : "file");
  return names.flatMap((name, i) => {
    const place = `${field}.providers[${i}]`;
    const provider = providerOf(defaults, name);
    const known = [STDOUT, ...defaults.providers].filter(({ kind }) => fit(kind)).map((candidate) => candidate.name);
    if (provider === undefined)
      return [
        missing(object, place, "ProviderNotFound", `the MeshConfig defines no provider ${name}`, {
          noun: "provider",
          names: known,
        }),
      ];
    if (fit(provider.kind)) return [];
    return [
      missing(object, place, "ProviderUnfit", `${name} is of kind ${provider.kind}, which takes no ${use}`, {
        noun: "provider",
        names: known,
      }),
    ];
  });
}

/** Of several objects for one scope the first by name is in force; the others are told so. */
function checkScopes(telemetries: Snapshot["telemetries"]): Diagnostic[] {
  const owners = new Map<string, string>();
  return sortedEntries(telemetries).flatMap(([, { namespace, name, selector }]) => {
    const labels = Object.entries(selector ?? {}).sort(([a], [b]) => compareStrings(a, b));
    const scope = JSON.stringify([namespace, labels]);
    const owner = owners.get(scope);
    if (owner === undefined) {
      owners.set(scope, name);
      return [];
    }
    return [
      {
        severity: "warning" as const,
        object: { kind: "Telemetry" as const, namespace, name },
        field: "spec.selector",
        reason: "ScopeTaken",
        message: `the same workloads are covered by ${namespace}/${owner}, which stays in force`,
        hint: `put the rules into ${owner}, or remove one of the two`,
      },
    ];
  });
}
