import { compareStrings, sortedEntries } from "./compare.js";
import type { EndpointSlice } from "./endpoint-slice.js";
import { type ServedPort, servedPortId } from "./handover.js";
import { memoByIdentity } from "./memo.js";
import { objectKey } from "./object-ref.js";
import { matchesLabels } from "./selector.js";
import { type Service, type ServicePort, serviceHost } from "./service.js";
import type { Snapshot } from "./snapshot.js";
import type { Workload } from "./workload.js";
import { calledPort } from "./workload-ports.js";

type Members = Pick<Snapshot, "workloads" | "endpointSlices">;

/** One that answers for a service. */
export interface Instance {
  readonly address: string;
  /** Absent where nothing but the address is known. */
  readonly workload?: Workload;
  /** Port name → port, where the cluster says it. */
  readonly ports?: Readonly<Record<string, number>>;
  /** It is for those who find nobody else. */
  readonly isLeaving: boolean;
}

const workloadsByNamespace = memoByIdentity((workloads: Snapshot["workloads"]) => {
  const byNamespace = new Map<string, Workload[]>();
  for (const [, workload] of sortedEntries(workloads)) {
    const list = byNamespace.get(workload.namespace);
    if (list === undefined) byNamespace.set(workload.namespace, [workload]);
    else list.push(workload);
  }
  return byNamespace;
});

/**
 * Who answers for a service: the workloads that its selector names, in the order of their names, then those of its
 * EndpointSlices, in the order of their addresses.
 */
export function instancesOf(members: Members, service: Service): readonly Instance[] {
  const slices = members.endpointSlices.get(service.host);
  const selected = selectedWorkloads(members, service);
  if (slices === undefined) return selected;
  const namespace = `${service.namespace}/`;
  const found = new Map<string, Instance>();
  for (const { endpoints, ports } of ofOneFamily(slices, service))
    for (const { address, isLeaving, pod } of endpoints) {
      // An endpoint that moves from one slice to another is in both for a while.
      if (found.get(address)?.isLeaving === false) continue;
      const workload = pod === undefined ? undefined : members.workloads.get(pod);
      // Without its pod it is not known how it is to be called, or it is just gone.
      if (pod !== undefined && (workload?.pod === undefined || !pod.startsWith(namespace))) continue;
      found.set(address, { address, isLeaving, ports, ...(workload === undefined ? {} : { workload }) });
    }
  return [...selected, ...[...found.values()].sort((a, b) => compareStrings(a.address, b.address))];
}

/** A pod with addresses of two families is in a slice of each, and is one instance: that of the Service's first family. */
function ofOneFamily(slices: readonly EndpointSlice[], { addresses: [first] }: Service): readonly EndpointSlice[] {
  const order = first?.includes(":") === true ? (["IPv6", "IPv4"] as const) : (["IPv4", "IPv6"] as const);
  for (const family of order) {
    const some = slices.filter((slice) => slice.family === family);
    if (some.some(({ endpoints }) => endpoints.length > 0)) return some;
  }
  return slices;
}

/**
 * The workloads that the selector names. Of pods the cluster says behind which Services they are, and when; of
 * ServiceEntries it knows nothing.
 */
function selectedWorkloads({ workloads }: Members, service: Service): readonly Instance[] {
  if (Object.keys(service.selector).length === 0) return [];
  const candidates = workloadsByNamespace(workloads).get(service.namespace) ?? [];
  const isCore = service.host === serviceHost(service.name, service.namespace);
  return candidates
    .filter((workload) => !(isCore && workload.pod !== undefined) && matchesLabels(service.selector, workload.labels))
    .map((workload) => ({ address: workload.address, workload, isLeaving: false }));
}

/** The workloads among those who answer for a service. */
export function workloadsOf(members: Members, service: Service): readonly Workload[] {
  return instancesOf(members, service).flatMap(({ workload }) => workload ?? []);
}

/** The port at which callers reach an instance; undefined: it does not answer for this one. */
export function instancePort({ workload, ports }: Instance, port: ServicePort): number | undefined {
  if (ports !== undefined) return ports[port.name];
  return workload === undefined ? undefined : calledPort(workload, port);
}

/** Of those who answer the ones to be asked: who is about to end only when there is nobody else. */
export function preferStaying<T extends { readonly isLeaving: boolean }>(instances: readonly T[]): readonly T[] {
  const staying = instances.filter(({ isLeaving }) => !isLeaving);
  return staying.length > 0 ? staying : instances;
}

const servicesByNamespace = memoByIdentity((services: Snapshot["services"]) => {
  const byNamespace = new Map<string, Service[]>();
  for (const [, service] of sortedEntries(services)) {
    const list = byNamespace.get(service.namespace);
    if (list === undefined) byNamespace.set(service.namespace, [service]);
    else list.push(service);
  }
  return byNamespace;
});

/** The services whose selector names a workload, in the order of their hosts. */
export function servicesOf(snapshot: Pick<Snapshot, "services">, workload: Workload): readonly Service[] {
  return (servicesByNamespace(snapshot.services).get(workload.namespace) ?? []).filter(
    (service) => Object.keys(service.selector).length > 0 && matchesLabels(service.selector, workload.labels),
  );
}

const podsOf = memoByIdentity(
  (slices: readonly EndpointSlice[]): ReadonlySet<string> =>
    new Set(slices.flatMap(({ endpoints }) => endpoints.flatMap(({ pod }) => pod ?? []))),
);

/** The services that a workload has to do with: by their selector, or because the cluster counts it among theirs. */
export function servicesAround(
  snapshot: Pick<Snapshot, "services" | "endpointSlices">,
  workload: Workload,
): readonly Service[] {
  const selecting = servicesOf(snapshot, workload);
  if (workload.pod === undefined || snapshot.endpointSlices.size === 0) return selecting;
  const key = `${workload.namespace}/${workload.name}`;
  const counting = (servicesByNamespace(snapshot.services).get(workload.namespace) ?? []).filter((service) => {
    const slices = snapshot.endpointSlices.get(service.host);
    return slices !== undefined && podsOf(slices).has(key);
  });
  return [...new Set([...selecting, ...counting])];
}

/** The ports at which a workload is called, of all its services, in the order of their hosts. */
export function servedPorts(snapshot: Pick<Snapshot, "services">, workload: Workload): readonly ServedPort[] {
  return servicesOf(snapshot, workload).flatMap((service) =>
    service.ports.map((port) => ({ workload, service, port })),
  );
}

type Announced = Members & Pick<Snapshot, "handovers">;

/** Those who answer for a service's port, without those whose sidecars do not listen there yet. */
export function listeningInstances(snapshot: Announced, service: Service, port: ServicePort): readonly Instance[] {
  const { handovers } = snapshot;
  const instances = instancesOf(snapshot, service);
  if (handovers.size === 0) return instances;
  return instances.filter(
    ({ workload }) =>
      workload === undefined ||
      !handovers.get(objectKey(workload))?.joining.has(servedPortId({ workload, service, port })),
  );
}

/** Those of whom callers of a service's port are told: who listens, and for want of others, who has just left. */
export function announcedInstances(snapshot: Announced, service: Service, port: ServicePort): readonly Instance[] {
  const left = leftBehind(snapshot.handovers, service).flatMap((served): Instance[] => {
    if (served.port.port !== port.port) return [];
    const { workload } = served;
    const ports = { [port.name]: calledPort(workload, served.port) };
    return [{ address: workload.address, workload, ports, isLeaving: true }];
  });
  return [...listeningInstances(snapshot, service, port), ...left];
}

/** What callers of a service still have of workloads that have left it, in the order of their names. */
export function leftBehind(handovers: Snapshot["handovers"], { host }: Service): readonly ServedPort[] {
  if (handovers.size === 0) return [];
  return sortedEntries(handovers).flatMap(([, { leaving }]) =>
    leaving.filter(({ phase, service }) => phase === "announced" && service.host === host),
  );
}
