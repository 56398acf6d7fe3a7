import { isRecord, type StoredStatus } from "../status/document.js";
import { CONTROLLER_NAME } from "../status/gateway-route-status.js";
import type { ClusterObjects } from "./cluster-objects.js";
import { STATUS_KINDS } from "./status-kinds.js";

/**
 * The statuses of all objects in the cluster, as this control plane or another one wrote them. A kind that cannot be read
 * is told of, and its objects are as if they had none.
 */
export async function readStoredStatuses(
  objects: ClusterObjects,
  onProblem: (message: string) => void,
): Promise<readonly StoredStatus[]> {
  const stored: StoredStatus[] = [];
  for (const kind of Object.keys(STATUS_KINDS)) {
    try {
      for (const { ref, object } of await objects.list(kind))
        stored.push({ object: ref, status: storedStatus(kind, object.status) });
    } catch (error) {
      if (isUnreachable(error)) throw error;
      onProblem(`statuses of an earlier run: ${error instanceof Error ? error.message : error}`);
    }
  }
  return stored;
}

/** A status as the rest of the control plane knows it: a route's conditions are those of its first parent. */
export function storedStatus(kind: string, status: Readonly<Record<string, unknown>>): StoredStatus["status"] {
  if (kind !== "HTTPRoute" && kind !== "GRPCRoute") return status;
  const parents = Array.isArray(status.parents) ? status.parents.filter(isRecord) : [];
  const ours = parents.find(({ controllerName }) => controllerName === CONTROLLER_NAME);
  return { conditions: ours?.conditions ?? [] };
}

function isUnreachable(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "unreachable";
}
