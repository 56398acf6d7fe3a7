import { readdir, readFile, readlink } from "node:fs/promises";

export interface Process {
  readonly pid: number;
  readonly command: string;
}

/** The processes that work in a folder or below it, or that name it in their command line. */
export async function processesOf(folder: string): Promise<Process[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found: Process[] = [];
  for (const pid of pids) {
    if (pid === process.pid) continue;
    try {
      // What has ended and is not yet collected by its parent has neither.
      const command = (await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " ").trim();
      const directory = await readlink(`/proc/${pid}/cwd`);
      if (command.includes(folder) || `${directory}/`.startsWith(`${folder}/`)) found.push({ pid, command });
    } catch {
      // It ended meanwhile, or is somebody else's.
    }
  }
  return found;
}

/** Kills at once; a process that is gone already is fine. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
