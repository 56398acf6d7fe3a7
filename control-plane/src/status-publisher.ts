import type { PluginEventRecorder } from "./event-recorder.js";
import type { Logger } from "./log.js";
import { type InForceRecord, writeInForce } from "./source/in-force-file.js";
import type { Condition } from "./status/condition.js";
import { type StatusesInput, statuses } from "./status/statuses.js";
import { type StatusWriter, statusKey } from "./status/writer.js";

/** Keeps what is on disk of the mesh's state up to date: a status for each object, and the record of what is in force. */
export interface StatusPublisher {
  /** Soon, once for many changes. */
  schedule(): void;
  /** Now. Failures are logged: the mesh goes on without a status. */
  flush(): Promise<void>;
  stop(): void;
}

export interface StatusPublisherOptions {
  readonly writer: StatusWriter;
  readonly inForceFile: string;
  /** The conditions that the last run wrote. */
  readonly conditions: ReadonlyMap<string, readonly Condition[]>;
  readonly events: PluginEventRecorder;
  readonly collect: () => Omit<StatusesInput, "previous" | "now">;
  readonly inForce: () => InForceRecord;
  readonly logger: Logger;
}

/** How long changes are gathered before they are written. */
const DELAY_MS = 50;

export function createStatusPublisher(options: StatusPublisherOptions): StatusPublisher {
  const { writer, inForceFile, logger } = options;
  let conditions = options.conditions;
  let record = "";
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  /** Writes that have begun or wait. What is scheduled meanwhile is one more write after them, not one each. */
  let underWay = 0;
  let isWanted = false;
  let isStopped = false;

  const write = async () => {
    try {
      const now = new Date().toISOString();
      const documents = statuses({ ...options.collect(), previous: conditions, now });
      conditions = new Map(documents.map(({ object, status }) => [statusKey(object), status.conditions]));
      await writer.write(documents);
      await options.events.take(documents, now);
      const inForce = options.inForce();
      const text = JSON.stringify(inForce);
      if (text !== record) await writeInForce(inForceFile, inForce);
      record = text;
    } catch (error) {
      logger.error(`cannot write the status: ${error instanceof Error ? error.message : String(error)}`, { error });
    }
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
