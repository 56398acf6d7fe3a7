import { compareStrings } from "../model/compare.js";
import { type ObjectRef, objectKey } from "../model/object-ref.js";

/** Something that happened to an object, for people: what Kubernetes calls an Event. */
export interface NewEvent {
  readonly regarding: ObjectRef;
  readonly type: "Normal" | "Warning";
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/**
 * The same thing, however often it happened.
 * https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
 */
export interface RecordedEvent extends NewEvent {
  readonly count: number;
  /** RFC 3339. */
  readonly firstTime: string;
  readonly lastTime: string;
}

export interface EventLimits {
  readonly maxEvents: number;
  /** So that one restless object does not push out what is known of the others. */
  readonly maxPerObject: number;
  readonly maxMessageLength: number;
}

export const EVENT_LIMITS: EventLimits = { maxEvents: 1000, maxPerObject: 50, maxMessageLength: 1024 };

/** The log with these too, the newest last. What happens again is counted; what is oldest goes where there are too many. */
export function recordEvents(
  log: readonly RecordedEvent[],
  happened: readonly NewEvent[],
  now: string,
  limits: EventLimits = EVENT_LIMITS,
): readonly RecordedEvent[] {
  if (happened.length === 0) return log;
  const events = new Map(log.map((event) => [keyOf(event), event]));
  for (const event of happened) {
    const { regarding, type, reason } = event;
    const message = event.message.slice(0, limits.maxMessageLength);
    const key = keyOf({ regarding, type, reason, message });
    const before = events.get(key);
    events.delete(key);
    const [count, firstTime] = before === undefined ? [1, now] : [before.count + 1, before.firstTime];
    events.set(key, { regarding, type, reason, message, count, firstTime, lastTime: now });
  }
  return bounded([...events.values()], limits);
}

function keyOf({ regarding, type, reason, message }: NewEvent): string {
  return JSON.stringify([regarding.kind, objectKey(regarding), type, reason, message]);
}

/** The newest of each object, and of all. */
function bounded(events: readonly RecordedEvent[], { maxEvents, maxPerObject }: EventLimits): readonly RecordedEvent[] {
  const counts = new Map<string, number>();
  const kept: RecordedEvent[] = [];
  for (const event of [...events].reverse()) {
    const object = `${event.regarding.kind} ${objectKey(event.regarding)}`;
    const count = (counts.get(object) ?? 0) + 1;
    counts.set(object, count);
    if (count <= maxPerObject && kept.length < maxEvents) kept.push(event);
  }
  return kept.reverse();
}

/** The log out of a file, which is also text that people can edit; what is not whole is left out. */
export function eventsFrom(value: unknown, { maxEvents }: EventLimits = EVENT_LIMITS): readonly RecordedEvent[] {
  if (!Array.isArray(value)) return [];
  const events = value.slice(-maxEvents).filter(isEvent);
  return events.sort((a, b) => compareStrings(a.lastTime, b.lastTime));
}

function isEvent(value: unknown): value is RecordedEvent {
  if (typeof value !== "object" || value === null) return false;
  const { regarding, type, reason, message, count, firstTime, lastTime } = value as Partial<Record<string, unknown>>;
  if (typeof regarding !== "object" || regarding === null) return false;
  const { kind, namespace, name } = regarding as Partial<Record<string, unknown>>;
  const texts = [kind, namespace, name, reason, message, firstTime, lastTime];
  return (
    texts.every((text) => typeof text === "string") &&
    (type === "Normal" || type === "Warning") &&
    typeof count === "number" &&
    Number.isSafeInteger(count)
  );
}
