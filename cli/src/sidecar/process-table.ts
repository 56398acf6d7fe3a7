import { readdir, readFile, readlink } from "node:fs/promises";

/** A process, told apart from a later one with the same number by when it started. */
export interface ProcessRef {
  readonly pid: number;
  /** In clock ticks since the machine started, as `/proc/<pid>/stat` has it. */
  readonly startTime: string;
}

export interface ProcessInfo extends ProcessRef {
  readonly name: string;
  /** Process group. */
  readonly group: number;
}

/** The process with this number, or undefined when there is none, or only what its parent has not yet collected. */
export async function findProcess(pid: number): Promise<ProcessInfo | undefined> {
  let text: string;
  try {
    text = await readFile(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined; // It ended, which is an answer.
  }
  // The name stands in parentheses and may hold any character: the fields are counted from its end.
  const end = text.lastIndexOf(")");
  const fields = text.slice(end + 2).split(" ");
  const [state, , group] = fields;
  const startTime = fields[19];
  if (state === undefined || group === undefined || startTime === undefined) return undefined;
  if (state === "X" || (state === "Z" && !(await hasOtherThreads(pid)))) return undefined;
  return { pid, startTime, group: Number(group), name: text.slice(text.indexOf("(") + 1, end) };
}

/** A process whose first thread has ended still holds its ports while another thread runs. */
async function hasOtherThreads(pid: number): Promise<boolean> {
  try {
    return (await readdir(`/proc/${pid}/task`)).length > 1;
  } catch {
    return false; // It has ended altogether.
  }
}

/** All processes of a group, in the order of their numbers. */
export async function processGroup(group: number): Promise<readonly ProcessInfo[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(findProcess));
  return found
    .filter((info) => info?.group === group)
    .filter((info) => info !== undefined)
    .sort((a, b) => a.pid - b.pid);
}

export async function isSameProcess(ref: ProcessRef): Promise<boolean> {
  return (await findProcess(ref.pid))?.startTime === ref.startTime;
}

/** The directory that a process works in, or undefined when it cannot be known. */
export async function workingDirectory(pid: number): Promise<string | undefined> {
  try {
    return await readlink(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

/** Kills at once. A process that has ended already is fine. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error) || (error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
