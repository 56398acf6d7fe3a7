import { readdir, readFile } from "node:fs/promises";

const PAGE_BYTES = 4096;

/**
 * CPU time of a process so far, of all its threads that live, in nanoseconds (proc(5), `schedstat`). The ticks in
 * `/proc/<pid>/stat` are a hundredth of a second, which is too coarse for what a filter costs.
 */
export async function cpuNanoseconds(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const texts = await Promise.all(threads.map((id) => readThread(`/proc/${pid}/task/${id}/schedstat`)));
  const total = texts.reduce((sum, text) => sum + runNanoseconds(text), 0);
  if (total === 0) throw new Error(`the kernel counts no CPU time in /proc/${pid}/task/*/schedstat`);
  return total;
}

/** The first of the three numbers: time spent running. A thread that has just ended has no text. */
export function runNanoseconds(schedstat: string): number {
  return schedstat === "" ? 0 : Number(schedstat.split(" ", 1)[0]);
}

async function readThread(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ESRCH") return "";
    throw error;
  }
}

/** Resident memory of a process, in bytes (proc(5), `statm`). */
export async function residentBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/statm`, "utf8");
  return Number(text.split(" ")[1]) * PAGE_BYTES;
}
