import type { MeshObject } from "../model/mesh-object.js";
import type { VirtualService } from "../model/virtual-service.js";
import type { StoredStatus } from "../status/document.js";
import type { KubernetesApi } from "./api.js";
import { type ClusterEvents, createClusterEvents } from "./cluster-events.js";
import { createClusterObjects } from "./cluster-objects.js";
import { createLastGoodStore, type LastGood, lastGoodOf } from "./last-good.js";
import { type ClusterStatusWriter, createStatusWriter } from "./status-writer.js";
import { readStoredStatuses } from "./stored-statuses.js";

/** Where a cluster keeps what is said of its mesh, and what a restart must not take away. */
export interface ClusterStatus {
  readonly statuses: readonly StoredStatus[];
  readonly virtualServices: readonly VirtualService[];
  /** Earlier readings of objects that were refused when the last run ended. */
  readonly lastGood: readonly MeshObject[];
  readonly writer: ClusterStatusWriter;
  readonly events: ClusterEvents;
  keepInForce(inForce: Parameters<typeof lastGoodOf>[0]): Promise<void>;
  close(): void;
}

export interface ClusterStatusOptions {
  readonly api: KubernetesApi;
  /** Of the control plane. */
  readonly namespace: string;
  readonly podName: string;
  readonly leadership: {
    readonly isLeading: boolean;
    subscribe(listener: (isLeading: boolean) => void): () => void;
  };
  readonly onProblem: (message: string) => void;
  /** Between two attempts to read what there is. Default: two seconds. */
  readonly retryMs?: number;
}

const LAST_GOOD_NAME = "weft-last-good";

/** Reads what was written before. Waits for an API server that does not answer. */
export async function openClusterStatus(options: ClusterStatusOptions): Promise<ClusterStatus> {
  const { api, namespace, leadership, onProblem } = options;
  const objects = createClusterObjects(api);
  const store = createLastGoodStore({ api, namespace, name: LAST_GOOD_NAME, onProblem });
  const { statuses, kept } = await untilReachable(options, async () => ({
    statuses: await readStoredStatuses(objects, onProblem),
    kept: await store.read(),
  }));
  const writer = createStatusWriter({ api, objects, leadership, onProblem });
  const isLeading = () => leadership.isLeading;
  const events = createClusterEvents({ api, objects, isLeading, instance: options.podName, statuses, onProblem });
  /** What is not written yet, because another replica leads or the API server refused it. */
  let pending: LastGood | undefined;
  const write = async () => {
    const lastGood = pending;
    if (lastGood === undefined || !leadership.isLeading) return;
    await store.write(lastGood);
    if (pending === lastGood) pending = undefined;
  };
  const unsubscribe = leadership.subscribe(() => {
    write().catch((error: unknown) => onProblem(error instanceof Error ? error.message : String(error)));
  });
  return {
    statuses,
    virtualServices: kept.virtualServices,
    lastGood: kept.objects,
    writer,
    events,
    async keepInForce(inForce) {
      pending = lastGoodOf(inForce);
      await write();
    },
    close() {
      unsubscribe();
      writer.close();
      events.close();
    },
  };
}

async function untilReachable<T>(
  { onProblem, retryMs = 2000 }: Pick<ClusterStatusOptions, "onProblem" | "retryMs">,
  read: () => Promise<T>,
): Promise<T> {
  for (let problem = ""; ; ) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "unreachable")) throw error;
      if (error.message !== problem) onProblem(`waiting for the API server: ${error.message}`);
      problem = error.message;
      await new Promise((done) => setTimeout(done, retryMs));
    }
  }
}
