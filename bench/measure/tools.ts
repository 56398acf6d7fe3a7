import { spawn } from "node:child_process";
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Something that a measurement needs is not on this machine. */
export interface Missing {
  /** Who needs it: the rival's name, or the command's. */
  wanted: string;
  /** What is not there. */
  what: string;
  /** How to get it. */
  remedy: string;
}

/** A measurement cannot be made on this machine as it is. */
export class MissingToolError extends Error {
  readonly code = "TOOL_MISSING";
  readonly missing: readonly Missing[];

  constructor(missing: readonly Missing[]) {
    super(missing.map(({ wanted, what, remedy }) => `${wanted} needs ${what}, which is missing: ${remedy}`).join("\n"));
    this.missing = missing;
  }
}

/** Where programs are looked for: PATH, then where Debian has its own. */
export function programDirs(path = process.env.PATH ?? ""): string[] {
  return [...path.split(delimiter), "/usr/bin"].filter((dir) => dir !== "");
}

/** Every program of this name in these folders, in their order; each file once, whatever links lead to it. */
export function findAll(name: string, dirs: readonly string[]): string[] {
  const seen = new Set<string>();
  return dirs
    .map((dir) => join(dir, name))
    .filter(isExecutable)
    .filter((file) => {
      const real = realpathSync(file);
      if (seen.has(real)) return false;
      seen.add(real);
      return true;
    });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** A program that Debian has, or who wants it and which package has it. */
export function findTool(
  name: string,
  { debianPackage, wanted, dirs = programDirs() }: { debianPackage: string; wanted: string; dirs?: readonly string[] },
): string | Missing {
  return findAll(name, dirs)[0] ?? { wanted, what: name, remedy: `apt-get install ${debianPackage}` };
}

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  limitMs?: number;
  /** Ends the program. */
  signal?: AbortSignal;
}

/** A program ended with another status than 0. */
export class CommandFailedError extends Error {
  readonly code = "COMMAND_FAILED";

  constructor(command: string, args: readonly string[], status: string, output: string) {
    const last = output.trimEnd().split("\n").slice(-30).join("\n");
    super(`${command} ${args.join(" ")}: ${status}${last === "" ? "" : `\n${last}`}`);
  }
}

const RUN_LIMIT_MS = 600_000;
const MAX_OUTPUT_CHARACTERS = 8 * 1024 * 1024;

/** Runs a program to its end and returns what it wrote to its standard output. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { cwd, env, limitMs = RUN_LIMIT_MS, signal } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: limitMs,
      killSignal: "SIGKILL",
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
      ...(signal === undefined ? {} : { signal }),
    });
    let output = "";
    let errors = "";
    child.stdout.on("data", (chunk: Buffer) => {
      if (output.length < MAX_OUTPUT_CHARACTERS) output += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      if (errors.length < MAX_OUTPUT_CHARACTERS) errors += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (status, endedBy) => {
      if (status === 0) resolve(output);
      else reject(new CommandFailedError(command, args, endedBy ?? `exit ${status}`, `${output}${errors}`));
    });
  });
}
