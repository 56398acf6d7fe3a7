import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readIfThere, writeAtomic } from "@weft/control-plane/identity/atomic-file";
import { findProcess, isSameProcess, killProcess, type ProcessRef, processGroup } from "../sidecar/process-table.js";
import { MeshError } from "./mesh-error.js";

interface RunRecord {
  readonly owner: ProcessRef;
  /** Process groups that the owner started: the control plane and the apps. Each leader with its start time. */
  readonly leaders: readonly ProcessRef[];
}

/** Holds a folder for this process, and knows what to end if an earlier one was killed. */
export interface RunLock {
  /** Processes that an earlier run left and that were ended now. */
  readonly cleanedUp: number;
  /** Notes a child that leads a process group of its own. */
  add(pid: number): Promise<void>;
  release(): Promise<void>;
}

const MAX_RECORD_BYTES = 1024 * 1024;

export async function takeRunLock(file: string): Promise<RunLock> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const earlier = await readRecord(file);
  if (earlier !== undefined && earlier.owner.pid !== process.pid && (await isSameProcess(earlier.owner)))
    throw new MeshError(
      "already-running",
      `${dirname(file)}: process ${earlier.owner.pid} already runs this folder; end it first (Ctrl-C in its terminal, or kill ${earlier.owner.pid})`,
    );
  const cleanedUp = earlier === undefined ? 0 : await endLeaders(earlier.leaders);

  const self = await findProcess(process.pid);
  const owner: ProcessRef = { pid: process.pid, startTime: self?.startTime ?? "" };
  let leaders: readonly ProcessRef[] = [];
  let queue = writeAtomic(file, JSON.stringify({ owner, leaders } satisfies RunRecord), 0o600);
  await queue;
  return {
    cleanedUp,
    async add(pid) {
      const found = await findProcess(pid);
      if (found === undefined) return;
      leaders = [...leaders, { pid, startTime: found.startTime }];
      const record: RunRecord = { owner, leaders };
      queue = queue.then(() => writeAtomic(file, JSON.stringify(record), 0o600));
      await queue;
    },
    async release() {
      await queue;
      await rm(file, { force: true });
    },
  };
}

/** The process that holds a folder now; undefined where none does. */
export async function runningOwner(file: string): Promise<number | undefined> {
  const record = await readRecord(file);
  return record !== undefined && (await isSameProcess(record.owner)) ? record.owner.pid : undefined;
}

/** Ends the groups whose leader is the very process that was noted. */
async function endLeaders(leaders: readonly ProcessRef[]): Promise<number> {
  let ended = 0;
  for (const leader of leaders) {
    const isOurs = await isSameProcess(leader);
    // Without its leader a group may be somebody else's by now, unless nobody could have reused its number yet.
    const members = isOurs ? await processGroup(leader.pid) : [];
    for (const { pid } of members) {
      killProcess(pid);
      ended++;
    }
    for (const limit = Date.now() + 5000; Date.now() < limit && (await isSameProcess(leader)); ) await sleep(20);
  }
  return ended;
}

async function readRecord(file: string): Promise<RunRecord | undefined> {
  const text = await readIfThere(file, MAX_RECORD_BYTES);
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Partial<RunRecord>;
    if (typeof value.owner?.pid === "number" && Array.isArray(value.leaders)) return value as RunRecord;
  } catch {
    // Cut off while it was written; then there is nothing to learn from it.
  }
  return undefined;
}
