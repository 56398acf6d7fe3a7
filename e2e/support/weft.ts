import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { waitFor } from "./wait-for.js";

/** The clone. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WEFT = fileURLToPath(new URL("../../cli/bin/weft.mjs", import.meta.url));

/** A `weft` command that runs, seen as its user sees it: by what it prints and how it ends. */
export interface RunningWeft {
  readonly pid: number;
  /** All that it has printed, on both streams. */
  output(): string;
  /** Where the output ends now; {@link printed} can be told to look at what comes later only. */
  mark(): number;
  /** Waits for a line that matches, and returns it. Throws when the command ends before. */
  printed(line: RegExp, since?: number): Promise<string>;
  /** Exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  signal(name: NodeJS.Signals): void;
}

export function startWeft(...args: string[]): RunningWeft {
  const child = spawn(process.execPath, [WEFT, ...args], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  let outcome: number | string | undefined;
  const ended = new Promise<number | string>((done) => {
    // `close` comes when all of the output is here, unlike `exit`.
    child.on("close", (code, signal) => {
      outcome = code ?? signal ?? "unknown";
      done(outcome);
    });
  });
  return {
    pid: child.pid ?? -1,
    output: () => output,
    mark: () => output.length,
    printed: (line, since = 0) =>
      waitFor(
        `weft ${args[0]} to print ${line}`,
        () => {
          const found = output
            .slice(since)
            .split("\n")
            .find((candidate) => line.test(candidate));
          if (found === undefined && outcome !== undefined)
            throw new Error(`weft ${args[0]} ended (${outcome}) without printing ${line}:\n${output}`);
          return found;
        },
        { seen: () => output },
      ),
    ended,
    signal: (name) => void child.kill(name),
  };
}

export interface Finished {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a `weft` command in the clone to its end. */
export function runWeft(...args: string[]): Promise<Finished> {
  return runWeftIn(ROOT, ...args);
}

/** Runs a `weft` command in a folder to its end. */
export function runWeftIn(cwd: string, ...args: string[]): Promise<Finished> {
  const child = spawn(process.execPath, [WEFT, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  return new Promise((done) => {
    child.on("close", (code, signal) => done({ code: code ?? signal ?? "unknown", ...texts }));
  });
}
