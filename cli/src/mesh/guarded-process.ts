import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** A child that ends when we do, however we end. */
export interface GuardedProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Resolves with what the process ended with. */
  readonly ended: Promise<string>;
  /** SIGTERM to the command, SIGKILL to its whole group when it does not end in time. */
  stop(graceMs?: number): Promise<void>;
  /** SIGKILL to the whole group at once. */
  kill(): Promise<void>;
}

/**
 * Its standard input is a pipe that only we hold, so it closes with us, also after kill -9: the shell around the
 * command then ends the command and whatever it started, gently first.
 */
const GUARD = `
exec 3<&0
"$@" </dev/null 3<&- &
command=$!
( cat <&3 >/dev/null; trap '' TERM; kill -TERM 0; sleep 3; kill -KILL 0 ) &
exec 3<&-
trap 'kill "$command" 2>/dev/null' TERM
wait "$command"; code=$?
while kill -0 "$command" 2>/dev/null; do wait "$command"; code=$?; done
exit $code
`;

export interface GuardedOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Called with each line of the command's output. */
  readonly onLine: (line: string, stream: "stdout" | "stderr") => void;
}

export async function startGuarded(command: readonly string[], options: GuardedOptions): Promise<GuardedProcess> {
  const child = spawn("/bin/sh", ["-c", GUARD, "weft-guard", ...command], {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  for (const name of ["stdout", "stderr"] as const) splitLines(child[name], (line) => options.onLine(line, name));
  // The pipe breaks when the command ends first; that is no failure of ours.
  child.stdin.on("error", () => {});
  const ended = new Promise<string>((done) => {
    child.once("error", (error) => done(error.message));
    child.once("exit", (code, signal) => {
      // Lets go of the part of the guard that waits for us.
      child.stdin.destroy();
      done(signal ?? `exit code ${code}`);
    });
  });
  if (child.pid === undefined) throw new Error(`cannot start ${command.join(" ")}: ${await ended}`);
  const { pid } = child;
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  return {
    pid,
    child,
    ended,
    async stop(graceMs = 3000) {
      if (!isOver()) {
        const exit = once(child, "exit");
        signalGroup("SIGTERM");
        const timer = setTimeout(signalGroup, graceMs, "SIGKILL");
        await exit;
        clearTimeout(timer);
      }
      signalGroup("SIGKILL");
    },
    async kill() {
      const exit = isOver() ? undefined : once(child, "exit");
      signalGroup("SIGKILL");
      await exit;
    },
  };
}

function splitLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
  stream.on("end", () => {
    if (rest !== "") onLine(rest);
  });
}
