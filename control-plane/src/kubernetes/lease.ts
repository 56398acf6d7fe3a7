import type { KubernetesApi } from "./api.js";
import { objectPath } from "./api-path.js";

/** What of a Lease elects: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/ */
export interface LeaseRecord {
  readonly holder: string;
  readonly durationSeconds: number;
  /** RFC 3339 with microseconds; as its holder wrote it, by its own clock. */
  readonly renewTime: string;
  readonly acquireTime: string;
  readonly transitions: number;
}

/** A Lease as it was read, with what makes a write of it conditional. */
export interface StoredLease {
  readonly resourceVersion: string;
  readonly record: LeaseRecord;
}

/** Where a Lease is kept. A conditional write is refused when somebody else wrote meanwhile. */
export interface LeaseStore {
  /** Undefined: there is none. */
  read(): Promise<StoredLease | undefined>;
  /** @returns what is stored now; undefined when somebody else was quicker */
  write(record: LeaseRecord, resourceVersion: string | undefined): Promise<StoredLease | undefined>;
}

/** @throws KubernetesError from its functions when the API server does not answer, or not as it should */
export function createLeaseStore(api: KubernetesApi, namespace: string, name: string): LeaseStore {
  const collection = objectPath({ group: "coordination.k8s.io", version: "v1", plural: "leases", namespace });
  const path = `${collection}/${encodeURIComponent(name)}`;
  return {
    async read() {
      const { status, body, message } = await api.ask({ method: "GET", path, timeoutMs: ASK_MS });
      if (status === 404) return undefined;
      if (status !== 200) throw new LeaseError(`cannot read the Lease ${namespace}/${name}`, status, message);
      return storedLease(body);
    },
    async write(record, resourceVersion) {
      const object = {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name, namespace, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
        spec: {
          holderIdentity: record.holder,
          leaseDurationSeconds: record.durationSeconds,
          acquireTime: record.acquireTime,
          renewTime: record.renewTime,
          leaseTransitions: record.transitions,
        },
      };
      const { status, body, message } = await api.ask(
        resourceVersion === undefined
          ? { method: "POST", path: collection, body: object, timeoutMs: ASK_MS }
          : { method: "PUT", path, body: object, timeoutMs: ASK_MS },
      );
      if (status === 409 || status === 404) return undefined;
      if (status !== 200 && status !== 201)
        throw new LeaseError(`cannot write the Lease ${namespace}/${name}`, status, message);
      return storedLease(body);
    },
  };
}

/** Shorter than a Lease lives, so that a server which hangs is found out while it holds. */
const ASK_MS = 4000;

export class LeaseError extends Error {
  override readonly name = "LeaseError";
  readonly code = "lease-refused";

  constructor(what: string, status: number, message: string) {
    const hint =
      status === 403
        ? "; give the control plane's service account get, create and update of leases in its namespace"
        : "";
    super(`${what}: ${status} ${message}${hint}`);
  }
}

function storedLease(body: unknown): StoredLease {
  const { metadata = {}, spec = {} } = (body ?? {}) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  return {
    resourceVersion: String(metadata.resourceVersion ?? ""),
    record: {
      holder: typeof spec.holderIdentity === "string" ? spec.holderIdentity : "",
      durationSeconds: typeof spec.leaseDurationSeconds === "number" ? spec.leaseDurationSeconds : 0,
      renewTime: typeof spec.renewTime === "string" ? spec.renewTime : "",
      acquireTime: typeof spec.acquireTime === "string" ? spec.acquireTime : "",
      transitions: typeof spec.leaseTransitions === "number" ? spec.leaseTransitions : 0,
    },
  };
}
