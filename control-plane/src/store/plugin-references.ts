import { calloutTarget } from "../model/callout.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { ObjectRef } from "../model/object-ref.js";
import type { Plugin } from "../model/plugin.js";
import { type Service, serviceHost } from "../model/service.js";
import { missing } from "./references.js";

/** What a WasmPlugin names and nobody defines. It is in force all the same, for the rest of what it names. */
export function checkPluginReferences(plugin: Plugin, services: ReadonlyMap<string, Service>): Diagnostic[] {
  const object: ObjectRef = { kind: "WasmPlugin", namespace: plugin.namespace, name: plugin.name };
  return [...missingTargets(plugin, object, services), ...missingCallouts(plugin, object, services)];
}

function missingTargets(plugin: Plugin, object: ObjectRef, services: ReadonlyMap<string, Service>): Diagnostic[] {
  const targets = plugin.targetServices ?? [];
  const unknown = targets.filter((name) => !services.has(serviceHost(name, plugin.namespace)));
  const names = [...services.values()].filter((s) => s.namespace === plugin.namespace).map((s) => s.name);
  return unknown.map((name) => ({
    ...missing(
      object,
      "spec.targetRefs",
      "TargetNotFound",
      `no Service of namespace ${plugin.namespace} is called ${name}, so the plugin is not attached to it`,
      { noun: "Service", names },
    ),
    severity: unknown.length === targets.length ? "error" : "warning",
  }));
}

function missingCallouts(plugin: Plugin, object: ObjectRef, services: ReadonlyMap<string, Service>): Diagnostic[] {
  return plugin.callouts.flatMap((callout, index) => {
    const target = calloutTarget(callout, plugin.namespace, services);
    if (target.kind !== "missing") return [];
    const field = `spec.callouts[${index}]`;
    const service = services.get(target.host);
    const problem =
      service === undefined
        ? missing(object, `${field}.host`, "HostNotFound", `no Service is called ${target.host}, so calls to it fail`, {
            noun: "Service",
            names: [...services.keys()],
          })
        : missing(
            object,
            `${field}.port`,
            "PortNotFound",
            `${target.host} has no port ${callout.port}, so calls to it fail`,
            { noun: "port", names: service.ports.map(({ port }) => String(port)) },
          );
    return [{ ...problem, severity: "warning" as const }];
  });
}
