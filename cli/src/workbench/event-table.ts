import type { RecordedEvent } from "@weft/control-plane/status/event-log";
import { formatTable, plainText } from "./print.js";

/** A table with a line for each thing that happened, the newest last. */
export function eventTable(events: readonly RecordedEvent[]): string[] {
  const head = ["LAST SEEN", "TYPE", "REASON", "PLUGIN", "COUNT", "MESSAGE"];
  const rows = events.map(({ lastTime, type, reason, regarding: { namespace, name }, count, message }) => [
    plainText(lastTime, 30),
    type,
    plainText(reason, 60),
    plainText(`${namespace}/${name}`),
    String(count),
    plainText(message, 1000),
  ]);
  return formatTable([head, ...rows], "");
}
