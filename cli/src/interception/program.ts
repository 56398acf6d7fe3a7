import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { InterceptionError } from "./interception-error.js";

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
const LIMIT_MS = 30_000;
/** Where the programs are when `PATH` is that of a user. */
export const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The path of a program of the system; undefined where it is not installed. */
export function findProgram(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== ""), ...SYSTEM_FOLDERS];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, with limits of time and output. */
export function runProgram(program: string, args: readonly string[], input: string): Promise<Ran> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], timeout: LIMIT_MS, killSignal: "SIGKILL" });
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (text: string) => {
        texts[name] += text;
        if (texts[name].length > MAX_OUTPUT_BYTES) child.kill("SIGKILL");
      });
    child.on("error", (error) => fail(new InterceptionError("refused", `${program}: ${error.message}`)));
    child.on("close", (code) => done({ code: code ?? -1, ...texts }));
    // It may end before it has read all: its exit code says so.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
