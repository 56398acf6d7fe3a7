/*
 * A Redis of its own for a test, from the system's packages: on loopback, without a file.
 */
import { connect } from "node:net";
import { findProgram, LOOPBACK, startProgram } from "./process.js";

/** `undefined` where Redis can be run here, else why not: the reason of tests that are skipped. */
export function redisMissing(): string | undefined {
  return findProgram("redis-server") === undefined
    ? "no redis-server on the path: install the package `redis-server`"
    : undefined;
}

export interface RunningRedis {
  readonly port: number;
  /** The answer to one inline command, as Redis writes it: `+PONG`, `:1`. */
  command(text: string): Promise<string>;
  /** What it has printed so far. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts an empty Redis and waits until it answers. Rejects, with its output, where it does not start. */
export async function startRedis(): Promise<RunningRedis> {
  const command = findProgram("redis-server");
  if (command === undefined) throw new Error(redisMissing());
  const { program, value: port } = await startProgram(1, async ([port = 0], dir) => ({
    launch: {
      command,
      args: ["--port", String(port), "--bind", LOOPBACK, "--dir", dir, "--save", "", "--appendonly", "no"],
      ready: async () => (await ask(port, "PING")) === "+PONG",
    },
    value: port,
  }));
  return { port, command: (text) => ask(port, text), log: program.log, stop: program.stop };
}

/* The first line of the answer; Redis closes the connection after QUIT. */
function ask(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, LOOPBACK, () => socket.write(`${text}\r\nQUIT\r\n`));
    let answer = "";
    socket.on("data", (chunk: Buffer) => {
      answer += chunk.toString();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer.split("\r\n")[0] ?? ""));
  });
}
