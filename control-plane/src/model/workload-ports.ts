import type { ServicePort } from "./service.js";
import type { Workload } from "./workload.js";

/** Where the app listens for a port of its service. */
export function appPort({ ports, pod }: Workload, { name, targetPort, targetPortName }: ServicePort): number {
  if (pod === undefined) return ports[name] ?? targetPort;
  // A pod's ports have names of their own, which a Service refers to.
  return (targetPortName === undefined ? undefined : pod.ports[targetPortName]) ?? targetPort;
}

/**
 * The port on which a workload's sidecar gets what a port of its service is called for: without interception it listens
 * on the service's port itself, with interception it gets what is sent to the app's.
 */
export function inboundPort(workload: Workload, port: ServicePort): number {
  return workload.interception === "none" ? port.port : appPort(workload, port);
}

/** The port of a workload's address at which callers reach it. Without a sidecar there is only the app. */
export function calledPort(workload: Workload, port: ServicePort): number {
  return workload.hasSidecar ? inboundPort(workload, port) : appPort(workload, port);
}
