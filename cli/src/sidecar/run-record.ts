import { readFile, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isMissing, readIfThere, writeAtomic } from "@weft/control-plane/identity/atomic-file";
import {
  findProcess,
  isSameProcess,
  killProcess,
  type ProcessInfo,
  type ProcessRef,
  processGroup,
  workingDirectory,
} from "./process-table.js";
import { SidecarError } from "./sidecar-error.js";

/** `run.json` in a workload's folder: who runs there, so that a later start finds what was left. */
interface RunRecord {
  /** Of the running kernel: after a restart of the machine process numbers mean nothing. */
  readonly bootId: string;
  readonly owner: ProcessRef;
  /** Process group of func-e and Envoy. */
  readonly group: number;
  readonly processes: readonly ProcessRef[];
}

export interface CleanUp {
  /** What was left and is gone now. */
  readonly killed: readonly { readonly pid: number; readonly name: string }[];
  /** Number of a living process that runs this sidecar: then nothing was touched. */
  readonly runningUnder?: number;
}

const FILE = "run.json";
const MAX_BYTES = 64 * 1024;
const GONE_LIMIT_MS = 10_000;

/** Notes the processes of a group as run by this process. */
export async function writeRunRecord(workloadDir: string, group: number): Promise<readonly ProcessInfo[]> {
  const owner = await findProcess(process.pid);
  const processes = await processGroup(group);
  const record: RunRecord = {
    bootId: await bootId(),
    owner: { pid: process.pid, startTime: owner?.startTime ?? "" },
    group,
    processes: processes.map(({ pid, startTime }) => ({ pid, startTime })),
  };
  await writeAtomic(join(workloadDir, FILE), `${JSON.stringify(record, undefined, 2)}\n`, 0o600);
  return processes;
}

export async function removeRunRecord(workloadDir: string): Promise<void> {
  await rm(join(workloadDir, FILE), { force: true });
}

/**
 * Ends what an earlier run left in a workload's folder, for example after `kill -9`. A process is killed only when it
 * is the very one that was noted (same start), or is of its group and works in this folder. What this process itself
 * noted counts as left over.
 */
export async function cleanUpStale(workloadDir: string): Promise<CleanUp> {
  const record = await readRecord(workloadDir);
  if (record === undefined) return { killed: [] };
  if (record.bootId !== (await bootId())) {
    await removeRunRecord(workloadDir);
    return { killed: [] };
  }
  if (record.owner.pid !== process.pid && (await isSameProcess(record.owner)))
    return { killed: [], runningUnder: record.owner.pid };
  const left = await leftOver(record, await realpath(workloadDir));
  for (const { pid } of left) killProcess(pid);
  await waitUntilGone(left, workloadDir);
  await removeRunRecord(workloadDir);
  return { killed: left.map(({ pid, name }) => ({ pid, name })) };
}

async function leftOver(record: RunRecord, directory: string): Promise<ProcessInfo[]> {
  const left: ProcessInfo[] = [];
  for (const info of await processGroup(record.group)) {
    const isNoted = record.processes.some((noted) => noted.pid === info.pid && noted.startTime === info.startTime);
    if (isNoted || (await workingDirectory(info.pid)) === directory) left.push(info);
  }
  return left;
}

async function waitUntilGone(refs: readonly ProcessRef[], workloadDir: string): Promise<void> {
  const limit = Date.now() + GONE_LIMIT_MS;
  for (const ref of refs)
    while (await isSameProcess(ref)) {
      if (Date.now() > limit)
        throw new SidecarError("already-running", `${workloadDir}: process ${ref.pid} of an earlier run does not end`);
      await sleep(20);
    }
}

async function readRecord(workloadDir: string): Promise<RunRecord | undefined> {
  const file = join(workloadDir, FILE);
  const text = await readIfThere(file, MAX_BYTES);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isRecord(value)) return value;
  throw new SidecarError(
    "already-running",
    `${file}: is damaged, so that it cannot be known what an earlier run left. End its Envoy, if one runs, and remove the file`,
  );
}

function isRecord(value: unknown): value is RunRecord {
  const record = value as Partial<RunRecord> | null;
  return (
    typeof record === "object" &&
    record !== null &&
    typeof record.bootId === "string" &&
    isRef(record.owner) &&
    // 0 and 1 would be our own group and everybody.
    Number.isInteger(record.group) &&
    Number(record.group) > 1 &&
    Array.isArray(record.processes) &&
    record.processes.every(isRef)
  );
}

function isRef(value: unknown): value is ProcessRef {
  const ref = value as Partial<ProcessRef> | null | undefined;
  return typeof ref === "object" && ref !== null && Number.isInteger(ref.pid) && typeof ref.startTime === "string";
}

async function bootId(): Promise<string> {
  try {
    return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  } catch (error) {
    if (isMissing(error)) return "unknown";
    throw error;
  }
}
