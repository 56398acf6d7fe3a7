import type { ObjectRef } from "./model/object-ref.js";
import type { StatusDocument, StoredStatus } from "./status/document.js";
import { statusKey } from "./status/document.js";
import { readEvents, writeEvents } from "./status/event-file.js";
import { type RecordedEvent, recordEvents } from "./status/event-log.js";
import { pluginEvents } from "./status/plugin-events.js";

/** Keeps a file of what happened to plugins. */
export interface PluginEventRecorder {
  /** Takes statuses that are others now, and what has none any more; writes what they tell that is new. */
  take(documents: readonly StatusDocument[], gone: readonly ObjectRef[], now: string): Promise<void>;
}

/** @param statuses what the last run wrote, so that what it told is not told again */
export async function createPluginEventRecorder({
  file,
  statuses,
}: {
  readonly file: string;
  readonly statuses: readonly StoredStatus[];
}): Promise<PluginEventRecorder> {
  let log: readonly RecordedEvent[] = await readEvents(file);
  let written = log;
  const known = new Map<string, StatusDocument["status"] | StoredStatus["status"]>(
    statuses.map(({ object, status }) => [statusKey(object), status]),
  );
  return {
    async take(documents, gone, now) {
      const plugins = documents.filter(({ object }) => object.kind === "WasmPlugin");
      const happened = plugins.flatMap(({ object, status }) => {
        const before = known.get(statusKey(object));
        return before === status ? [] : pluginEvents(object, before, status);
      });
      for (const { object, status } of plugins) known.set(statusKey(object), status);
      for (const ref of gone) known.delete(statusKey(ref));
      log = recordEvents(log, happened, now);
      if (log === written) return;
      await writeEvents(file, log);
      written = log;
    },
  };
}
