import { type ChildProcess, spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const STOP_LIMIT_MS = 20_000;
const LOG_LIMIT_CHARACTERS = 400_000;

/** A program of a cluster, which may be ended and started again. */
export interface Daemon {
  readonly name: string;
  start(): void;
  /** Ends it, by force where it does not end in time; none that runs is fine. */
  end(signal?: NodeJS.Signals): Promise<void>;
  /** Throws with what it printed if it has ended, or could not be started. */
  assertRuns(): void;
  pid(): number;
  /** What it has printed so far; only the end of it where it is a lot. */
  output(): string;
}

export interface DaemonOptions {
  /** Where the file with its process id is kept while it runs, and what it works in. */
  readonly folder: string;
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Waits until its input ends, which it does however we end; then ends what is left, and removes the folder. */
const GUARD = `cat >/dev/null; for f in "$0"/*.pid; do [ -f "$f" ] && kill -9 "$(cat "$f")"; done; rm -rf "$0"`;

/** Guards a folder of daemons: what is returned ends those that still run and removes the folder. */
export function guard(folder: string): () => Promise<void> {
  const child = spawn("sh", ["-c", GUARD, folder], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  const ended = new Promise((done) => child.once("close", done));
  return async () => {
    child.stdin.end();
    await ended;
  };
}

export function createDaemon({ folder, name, command, env = {} }: DaemonOptions): Daemon {
  const pidFile = join(folder, `${name}.pid`);
  let child: ChildProcess | undefined;
  let text = "";
  let failure: Error | undefined;
  const runs = () => child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    name,
    start: () => {
      if (runs()) throw new Error(`${name} runs already`);
      const [file, ...args] = command as [string, ...string[]];
      const started = spawn(file, args, {
        cwd: folder,
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, ...env },
      });
      child = started;
      if (started.pid !== undefined) writeFileSync(pidFile, String(started.pid));
      started.once("error", (error) => {
        failure = error;
      });
      for (const stream of [started.stdout, started.stderr])
        stream.on("data", (data: Buffer) => {
          text = (text + data).slice(-LOG_LIMIT_CHARACTERS);
        });
    },
    end: async (signal = "SIGTERM") => {
      const ending = child;
      if (ending === undefined || !runs()) return;
      const closed = new Promise((done) => ending.once("close", done));
      ending.kill(signal);
      const timer = setTimeout(() => ending.kill("SIGKILL"), STOP_LIMIT_MS);
      await closed;
      clearTimeout(timer);
      rmSync(pidFile, { force: true });
    },
    assertRuns: () => {
      if (!runs())
        throw new Error(`${name} ended (${failure ?? child?.exitCode ?? child?.signalCode}):\n${text.slice(-4_000)}`);
    },
    pid: () => {
      if (child?.pid === undefined) throw new Error(`${name} was not started`);
      return child.pid;
    },
    output: () => text,
  };
}
