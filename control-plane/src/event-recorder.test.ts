import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createPluginEventRecorder } from "./event-recorder.js";
import type { StatusDocument } from "./status/document.js";
import { readEvents } from "./status/event-file.js";

let dir = "";
let file = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "weft-events-"));
  file = join(dir, "state", "events.json");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const NOW = "2026-01-01T00:00:00.000Z";
const resolved = (digest: string, kind = "WasmPlugin"): StatusDocument => {
  const condition = { type: "Resolved", status: "True", reason: "Resolved", message: "" } as const;
  const conditions = [{ ...condition, observedGeneration: "1", lastTransitionTime: NOW }];
  const status = { conditions, digest };
  return { apiVersion: "", object: { kind, namespace: "default", name: "a" }, status };
};
const told = async () => (await readEvents(file)).map(({ reason, message, count }) => `${reason} ${message} ${count}`);

it("writes what is new, and touches nothing else", async () => {
  const recorder = await createPluginEventRecorder({ file, statuses: [] });
  await recorder.take([resolved("d0", "Service")], [], NOW);
  await expect(stat(file)).rejects.toMatchObject({ code: "ENOENT" });
  await recorder.take([resolved("d1")], [], NOW);
  const { ino } = await stat(file);
  await recorder.take([resolved("d1")], [], NOW);
  expect((await stat(file)).ino).toBe(ino);
  await recorder.take([resolved("d2")], [], NOW);
  expect(await told()).toEqual(["Pulled d1 1", "Pulled d2 1"]);
});

it("goes on from what the last run wrote, and tells nothing of it twice", async () => {
  const first = await createPluginEventRecorder({ file, statuses: [] });
  await first.take([resolved("d1")], [], NOW);
  const { object, status } = resolved("d1");
  const second = await createPluginEventRecorder({ file, statuses: [{ object, status: { ...status } }] });
  await second.take([resolved("d1")], [], NOW);
  await second.take([resolved("d2")], [], NOW);
  await second.take([resolved("d1")], [], NOW);
  expect(await told()).toEqual(["Pulled d2 1", "Pulled d1 2"]);
});

it.each(["", "{", "[]", "null", '{"events": 1}'])("begins anew where the file says %j", async (text) => {
  await (await createPluginEventRecorder({ file, statuses: [] })).take([resolved("d0")], [], NOW);
  await writeFile(file, text);
  const recorder = await createPluginEventRecorder({ file, statuses: [] });
  await recorder.take([resolved("d1")], [], NOW);
  expect(await told()).toEqual(["Pulled d1 1"]);
  expect(JSON.parse(await readFile(file, "utf8"))).toHaveProperty("events");
});

it("has a bound, however often a plugin changes", async () => {
  const recorder = await createPluginEventRecorder({ file, statuses: [] });
  for (let i = 0; i < 120; i++) await recorder.take([resolved(`d${i}`)], [], NOW);
  expect((await told()).at(-1)).toBe("Pulled d119 1");
  expect(await told()).toHaveLength(50);
});
