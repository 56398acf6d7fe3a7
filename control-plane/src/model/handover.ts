import type { Service, ServicePort } from "./service.js";
import type { Workload } from "./workload.js";
import { calledPort } from "./workload-ports.js";

/** A port of a service at one of the workloads behind it: an endpoint, as callers have it. */
export interface ServedPort {
  readonly workload: Workload;
  readonly service: Service;
  readonly port: ServicePort;
}

/** Where a workload's callers and its own sidecar are at different points of a change. */
export interface Handover {
  /** By id, ports of which callers are not told yet, because the sidecar does not listen there. */
  readonly joining: ReadonlyMap<string, ServedPort>;
  /** Ports that the workload has left, as they were. The oldest first. */
  readonly leaving: readonly Leaving[];
}

export interface Leaving extends ServedPort {
  readonly id: string;
  /**
   * `announced`: callers still have it, because nobody else answers for the service yet. `told`: callers are told that
   * it is gone, and the sidecar listens until all of them know. `draining`: it does not listen any more, and what is
   * open goes to the app until it ends.
   */
  readonly phase: "announced" | "told" | "draining";
}

export const NO_HANDOVER: Handover = { joining: new Map(), leaving: [] };

/** Tells the ports of a workload apart by what callers have of them: the service's port, and where it is reached. */
export function servedPortId({ workload, service, port }: ServedPort): string {
  return `${service.host}|${port.port}|${workload.address}|${calledPort(workload, port)}`;
}
