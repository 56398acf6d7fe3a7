import { calloutTarget } from "../model/callout.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { type ObjectRef, objectKey } from "../model/object-ref.js";
import type { Plugin } from "../model/plugin.js";
import { ROUTE_SLOTS, type RouteSlots, targetRoute } from "../model/route-slots.js";
import { type Service, serviceHost } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import { missing } from "./references.js";

type Context = Pick<Snapshot, "services" | "httpRoutes" | "grpcRoutes">;

/** What a WasmPlugin names and nobody defines. It is in force all the same, for the rest of what it names. */
export function checkPluginReferences(plugin: Plugin, context: Context, routeSlots: RouteSlots): Diagnostic[] {
  const { services } = context;
  const object: ObjectRef = { kind: "WasmPlugin", namespace: plugin.namespace, name: plugin.name };
  return [
    ...missingTargets(plugin, object, services),
    ...missingRoutes(plugin, object, context),
    ...surplusRoutes(plugin, object, routeSlots),
    ...missingCallouts(plugin, object, services),
  ];
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

function missingRoutes(plugin: Plugin, object: ObjectRef, context: Context): Diagnostic[] {
  const targets = plugin.targetRoutes ?? [];
  const unknown = targets.filter((target) => targetRoute(plugin, target, context) === undefined);
  return unknown.map(({ kind, name }) => {
    const routes = kind === "HTTPRoute" ? context.httpRoutes : context.grpcRoutes;
    const names = [...routes.values()].filter((r) => r.namespace === plugin.namespace).map((r) => r.name);
    const message = `no ${kind} of namespace ${plugin.namespace} is called ${name}, so the plugin is not attached to it`;
    return {
      ...missing(object, "spec.targetRefs", "TargetNotFound", message, { noun: kind, names }),
      severity: unknown.length === targets.length ? "error" : "warning",
    };
  });
}

function surplusRoutes(plugin: Plugin, object: ObjectRef, { surplus }: RouteSlots): Diagnostic[] {
  return (surplus.get(objectKey(plugin)) ?? []).map(({ kind, name }) => ({
    severity: "error",
    object,
    field: "spec.targetRefs",
    reason: "TooManyRoutePlugins",
    message: `does not run for ${kind} ${name}: routes of the mesh can have ${ROUTE_SLOTS} different sets of plugins, and older routes have them`,
    hint: "give several routes the same plugins, or attach the plugin by a selector or to a Service",
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
