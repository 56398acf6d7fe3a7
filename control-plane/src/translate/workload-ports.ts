import type { ServicePort } from "../model/service.js";
import type { Workload } from "../model/workload.js";

/** Where the app listens for a port of its service. */
export function appPort(workload: Workload, port: ServicePort): number {
  return workload.ports[port.name] ?? port.targetPort;
}

/**
 * The port of a workload's address at which it is called for a port of its service. A sidecar without interception
 * listens on the service's port; with interception it gets what is sent to the app's; without a sidecar there is only
 * the app.
 */
export function calledPort(workload: Workload, port: ServicePort): number {
  return workload.hasSidecar && workload.interception === "none" ? port.port : appPort(workload, port);
}
