import { setMaxListeners } from "node:events";
import type { KubernetesReader } from "../../kubernetes/reader.js";
import type { MeshObject } from "../../model/mesh-object.js";
import { BatchQueue } from "../batch-queue.js";
import { type Source, SourceError } from "../source.js";
import { followResources, type PluginStatusReading } from "./follow-resources.js";
import { pause } from "./pause.js";

export interface KubernetesSourceOptions {
  readonly api: KubernetesReader;
  /** What the last run had read of objects that are wrong now; it stays in force until they are right. */
  readonly lastGood?: readonly MeshObject[];
  /** What keeps the source from going on, in words; it tries again by itself. */
  readonly onProblem?: (message: string) => void;
  /** What stands in the status of a WasmPlugin, each time that it was read. */
  readonly onPluginStatus?: (status: PluginStatusReading) => void;
  /** How often it is looked which kinds there are. Default 5 s. */
  readonly discoveryMs?: number;
  /** How often the Secrets that objects name are read again. Default 30 s. */
  readonly secretsMs?: number;
  /** Default: as long as asked. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random?: () => number;
  /** Objects of a page. Default 500. */
  readonly pageSize?: number;
}

const DISCOVERY_MS = 5_000;
const SECRETS_MS = 30_000;

/**
 * The objects of a cluster, of the kinds that the mesh reads. It follows each kind on its own; kinds that the cluster does
 * not have yet are followed once it has them.
 */
export function createKubernetesSource(options: KubernetesSourceOptions): Source {
  let watched = false;
  return {
    async *watch(signal) {
      if (watched) throw new SourceError("already-watched", "the source has a consumer already");
      watched = true;
      const stop = new AbortController();
      // Every resource that is followed listens: more of them than Node takes for a leak.
      setMaxListeners(0, stop.signal);
      const end = () => stop.abort();
      signal.addEventListener("abort", end);
      const queue = new BatchQueue();
      const following = followResources({
        api: options.api,
        lastGood: options.lastGood ?? [],
        onBatch: (batch) => queue.push(batch),
        signal: stop.signal,
        onProblem: options.onProblem ?? (() => {}),
        onPluginStatus: options.onPluginStatus ?? (() => {}),
        discoveryMs: options.discoveryMs ?? DISCOVERY_MS,
        secretsMs: options.secretsMs ?? SECRETS_MS,
        pause: options.pause ?? pause,
        random: options.random ?? Math.random,
        ...(options.pageSize === undefined ? {} : { pageSize: options.pageSize }),
      }).catch((error: unknown) => queue.fail(error instanceof Error ? error : new Error(String(error))));
      try {
        yield* queue.batches(signal);
      } finally {
        signal.removeEventListener("abort", end);
        stop.abort();
        await following;
        watched = false;
      }
    },
  };
}
