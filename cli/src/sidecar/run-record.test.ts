import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findProcess } from "./process-table.js";
import { cleanUpStale, writeRunRecord } from "./run-record.js";

let folder: string;
let children: ChildProcess[];
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "weft-run-")));
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

async function sleeper(cwd: string): Promise<number> {
  const child = spawn("sleep", ["300"], { cwd, detached: true, stdio: "ignore" });
  children.push(child);
  await once(child, "spawn");
  return child.pid!;
}

/** A record as an earlier run would have left it: by an owner that is gone. */
async function record(group: number, change: object = {}): Promise<void> {
  await writeRunRecord(folder, group);
  const file = join(folder, "run.json");
  const written = JSON.parse(await readFile(file, "utf8"));
  await writeFile(file, JSON.stringify({ ...written, owner: { pid: process.pid, startTime: "1" }, ...change }));
}

describe("cleanUpStale", () => {
  it("does nothing where nothing ran", async () => {
    expect(await cleanUpStale(folder)).toEqual({ killed: [] });
  });

  it("kills what was noted", async () => {
    const pid = await sleeper("/");
    await record(pid);
    expect(await cleanUpStale(folder)).toEqual({ killed: [{ pid, name: "sleep" }] });
    expect(await findProcess(pid)).toBeUndefined();
    expect(await readdir(folder)).toEqual([]);
  });

  it("kills what was not noted yet, but is of the group and works in the folder", async () => {
    const pid = await sleeper(folder);
    await record(pid, { processes: [] });
    expect(await cleanUpStale(folder)).toEqual({ killed: [{ pid, name: "sleep" }] });
  });

  it.each([
    ["that started at another time", (pid: number) => ({ processes: [{ pid, startTime: "1" }] })],
    ["of another group", (pid: number) => ({ group: pid + 100_000 })],
    ["noted before the machine was restarted", () => ({ bootId: "another" })],
  ])("spares a process %s", async (_what, change) => {
    const pid = await sleeper("/");
    await record(pid, change(pid));
    expect(await cleanUpStale(folder)).toEqual({ killed: [] });
    expect(await findProcess(pid)).toBeDefined();
    expect(await readdir(folder)).toEqual([]);
  });

  it("touches nothing while the owner lives", async () => {
    const owner = await sleeper("/");
    const pid = await sleeper(folder);
    await record(pid, { owner: await findProcess(owner) });
    expect(await cleanUpStale(folder)).toEqual({ killed: [], runningUnder: owner });
    expect(await findProcess(pid)).toBeDefined();
    expect(await readdir(folder)).toEqual(["run.json"]);
  });

  it.each([
    ["text", "hello"],
    ["another shape", "{}"],
    [
      "a group that is everybody",
      JSON.stringify({ bootId: "x", owner: { pid: 2, startTime: "1" }, group: 1, processes: [] }),
    ],
  ])("refuses a record with %s", async (_what, text) => {
    await writeFile(join(folder, "run.json"), text);
    await expect(cleanUpStale(folder)).rejects.toThrow("run.json: is damaged");
  });
});
