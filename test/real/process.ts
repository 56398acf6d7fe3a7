/*
 * A program of somebody else that a test runs: found on the path, started on loopback in a folder of its own, waited
 * for, ended by its process id.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

export const LOOPBACK = "127.0.0.1";
const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 10_000;
const POLL_MS = 50;
const START_ATTEMPTS = 5;
const LOG_LIMIT_CHARACTERS = 200_000;

/** Where the first program of this name on the path is; undefined without one. */
export function findProgram(name: string): string | undefined {
  for (const dir of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(dir, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** A program could not be started; the message ends with what it printed. */
export class ProgramError extends Error {
  readonly code = "PROGRAM_FAILED";
}

export interface RunningProgram {
  readonly pid: number;
  /** What it has printed so far; only the end of it where it is a lot. */
  log(): string;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it is ready; asked again until it is. A rejection counts as no. */
  ready(log: string): Promise<boolean>;
}

/**
 * Starts a program that cannot choose its ports itself. `prepare` is given free ports and an empty folder; where another
 * process has taken one of the ports in between, the program ends and it is all tried again.
 */
export async function startProgram<Value>(
  ports: number,
  prepare: (ports: readonly number[], dir: string) => Promise<{ launch: Launch; value: Value }>,
): Promise<{ program: RunningProgram; value: Value }> {
  for (let attempt = 1; ; attempt++) {
    const dir = await mkdtemp(join(tmpdir(), "weft-real-"));
    try {
      const { launch, value } = await prepare(await freePorts(ports), dir);
      return { program: await run(launch, dir), value };
    } catch (error) {
      await rm(dir, { recursive: true, force: true });
      const portTaken = error instanceof ProgramError && /address already in use/i.test(error.message);
      if (!portTaken || attempt === START_ATTEMPTS) throw error;
    }
  }
}

/** Different TCP ports of 127.0.0.1 that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, LOOPBACK, resolve);
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the system named no port");
    ports.push(address.port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function run({ command, args, env = {}, ready }: Launch, dir: string): Promise<RunningProgram> {
  const child = spawn(command, args, {
    cwd: dir,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-LOG_LIMIT_CHARACTERS);
    });
  let spawnError: Error | undefined;
  child.once("error", (error) => {
    spawnError = error;
  });
  const fail = (what: string): ProgramError =>
    new ProgramError(`${command} ${what}; it printed:\n${log.slice(-4_000)}`);
  const deadline = Date.now() + START_LIMIT_MS;
  try {
    for (;;) {
      if (spawnError !== undefined) throw fail(`cannot be run: ${spawnError.message}`);
      if (hasEnded(child)) throw fail(`ended before it was ready (exit ${child.exitCode ?? child.signalCode})`);
      if (await ready(log).catch(() => false)) break;
      if (Date.now() > deadline) throw fail(`was not ready after ${START_LIMIT_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  } catch (error) {
    await end(child);
    throw error;
  }
  if (child.pid === undefined) throw fail("has no process id");
  return {
    pid: child.pid,
    log: () => log,
    stop: async () => {
      await end(child);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/**
 * Stops a process in its tracks, until SIGCONT. The signal returns at once, and a thread on another processor runs on
 * for a moment: this waits until each of its threads stands still.
 */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  const deadline = Date.now() + STOP_LIMIT_MS;
  while (!(await threadStates(pid)).every((state) => state === "T")) {
    if (Date.now() > deadline) throw new Error(`process ${pid} runs on ${STOP_LIMIT_MS} ms after SIGSTOP`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the state follows the command, which is in parentheses. */
async function threadStates(pid: number): Promise<string[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const stats = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, "utf8")));
  return stats.map((stat) => stat.slice(stat.lastIndexOf(")") + 2).charAt(0));
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return;
  const closed = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
  await closed;
  clearTimeout(timer);
}
