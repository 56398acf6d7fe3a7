import type { Logger } from "./log.js";
import type { StatusChanges } from "./mesh-status.js";
import type { ObjectRef } from "./model/object-ref.js";
import type { InForce, StatusStore } from "./platform.js";
import type { Condition } from "./status/condition.js";
import type { StatusDocument } from "./status/document.js";
import { statuses } from "./status/statuses.js";
import { statusKey } from "./status/writer.js";

/** Keeps what is stored of the mesh's state up to date: a status for each object, and the record of what is in force. */
export interface StatusPublisher {
  /** Soon, once for many changes. */
  schedule(): void;
  /** Now. Failures are logged: the mesh goes on without a status. */
  flush(): Promise<void>;
  stop(): void;
}

export interface StatusPublisherOptions {
  readonly store: Pick<StatusStore, "writer" | "events" | "keepInForce">;
  /** The conditions that the last run wrote. */
  readonly conditions: ReadonlyMap<string, readonly Condition[]>;
  readonly collect: () => StatusChanges;
  /** Undefined when it is what it was at the last call. */
  readonly inForce: () => InForce | undefined;
  readonly logger: Logger;
}

/** How long changes are gathered before they are written. */
const DELAY_MS = 50;

export function createStatusPublisher(options: StatusPublisherOptions): StatusPublisher {
  const { store, logger } = options;
  const conditions = new Map(options.conditions);
  /** What could not be written yet. */
  const unwritten = new Map<string, StatusDocument>();
  const leaving = new Map<string, ObjectRef>();
  let isAll = false;
  let record: InForce | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  /** Writes that have begun or wait. What is scheduled meanwhile is one more write after them, not one each. */
  let underWay = 0;
  let isWanted = false;
  let isStopped = false;

  const write = async () => {
    try {
      const now = new Date().toISOString();
      const changes = options.collect();
      isAll ||= changes.isAll;
      for (const document of statuses({ ...changes, previous: conditions, now })) {
        const key = statusKey(document.object);
        conditions.set(key, document.status.conditions);
        unwritten.set(key, document);
        leaving.delete(key);
      }
      for (const ref of changes.gone) {
        const key = statusKey(ref);
        conditions.delete(key);
        unwritten.delete(key);
        leaving.set(key, ref);
      }
      await writeStatuses(now);
      record = options.inForce() ?? record;
      if (record !== undefined) await store.keepInForce(record);
      record = undefined;
    } catch (error) {
      logger.error(`cannot write the status: ${error instanceof Error ? error.message : String(error)}`, { error });
    }
  };
  const writeStatuses = async (now: string) => {
    if (unwritten.size === 0 && leaving.size === 0 && !isAll) return;
    const documents = [...unwritten.values()];
    const gone = [...leaving.values()];
    await store.writer.write(documents, isAll ? undefined : gone);
    unwritten.clear();
    leaving.clear();
    isAll = false;
    await store.events.take(documents, gone, now);
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    underWay += 1;
    writing = writing.then(write).finally(() => {
      underWay -= 1;
      if (underWay > 0 || !isWanted) return;
      isWanted = false;
      schedule();
    });
    return writing;
  };
  const schedule = () => {
    if (isStopped) return;
    if (underWay > 0) isWanted = true;
    else timer ??= setTimeout(() => void flush(), DELAY_MS);
  };
  return {
    schedule,
    flush,
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
