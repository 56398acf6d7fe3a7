import { expect, it } from "vitest";
import { type EventLimits, eventsFrom, type NewEvent, type RecordedEvent, recordEvents } from "./event-log.js";

const LIMITS: EventLimits = { maxEvents: 4, maxPerObject: 3, maxMessageLength: 10 };
const plugin = (name: string) => ({ kind: "WasmPlugin", namespace: "default", name });
const event = (message: string, over: Partial<NewEvent> = {}): NewEvent => ({
  regarding: plugin("a"),
  type: "Normal",
  reason: "Pulled",
  message,
  ...over,
});
const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
/** Each a second after the other. */
const recorded = (...events: readonly NewEvent[]) =>
  events.reduce<readonly RecordedEvent[]>((log, one, index) => recordEvents(log, [one], at(index), LIMITS), []);
const brief = (log: readonly RecordedEvent[]) =>
  log.map(({ regarding, message, count }) => `${regarding.name} ${message} ${count}`);

it("has what happened in its order, with its times", () => {
  expect(recorded(event("x"), event("y"))).toEqual([
    { ...event("x"), count: 1, firstTime: at(0), lastTime: at(0) },
    { ...event("y"), count: 1, firstTime: at(1), lastTime: at(1) },
  ]);
});

it("counts what happens again, and what is the same of another object apart", () => {
  const log = recorded(event("x"), event("y"), event("x"), event("x", { regarding: plugin("b") }));
  expect(brief(log)).toEqual(["a y 1", "a x 2", "b x 1"]);
  expect(log[1]).toMatchObject({ firstTime: at(0), lastTime: at(2) });
});

it.each<[string, Partial<NewEvent>]>([
  ["type", { type: "Warning" }],
  ["reason", { reason: "Verified" }],
])("tells apart what has another %s", (_name, over) => {
  expect(recorded(event("x"), event("x", over))).toHaveLength(2);
});

it("keeps the newest of each object, and of all", () => {
  const restless = ["1", "2", "3", "4", "5"].map((message) => event(message));
  const b = { regarding: plugin("b") };
  expect(brief(recorded(event("0", b), ...restless))).toEqual(["b 0 1", "a 3 1", "a 4 1", "a 5 1"]);
  expect(brief(recorded(event("0", b), event("1", b), ...restless))).toEqual(["b 1 1", "a 3 1", "a 4 1", "a 5 1"]);
});

it("cuts long messages", () => {
  expect(brief(recorded(event("x".repeat(11)), event("x".repeat(12))))).toEqual([`a ${"x".repeat(10)} 2`]);
});

it("is the same when nothing happened", () => {
  const log = recorded(event("x"));
  expect(recordEvents(log, [], at(5), LIMITS)).toBe(log);
});

it("is read from a file without what is not whole", () => {
  const log = recorded(event("x"), event("y"));
  const broken = [null, 1, {}, { ...log[0], count: "1" }, { ...log[0], type: "Error" }, { ...log[0], regarding: null }];
  expect(eventsFrom(JSON.parse(JSON.stringify([log[1], ...broken, log[0]])))).toEqual(log);
  for (const value of [undefined, null, {}, "events"]) expect(eventsFrom(value)).toEqual([]);
});
