import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { freePorts, LOOPBACK, ProgramError, type RunningProgram, startProgram } from "./process.js";

const running: RunningProgram[] = [];
afterEach(async () => {
  for (const program of running.splice(0)) await program.stop();
});

/** A Node program that listens on the port that it is given. */
const SERVER = `require("node:net").createServer((s) => s.end()).listen(Number(process.argv[1]), "${LOOPBACK}", () => console.log("listening"))`;

const launch = (script: string, ...args: string[]) => ({
  command: process.execPath,
  args: ["-e", script, ...args],
  ready: async (log: string) => log.includes("listening"),
});

describe("programs of others", () => {
  it("run in a folder of their own until they are stopped", async () => {
    const { program, value } = await startProgram(1, async ([port = 0], dir) => ({
      launch: launch(SERVER, String(port)),
      value: { port, dir },
    }));
    running.push(program);
    expect(program.log()).toBe("listening\n");
    expect(existsSync(value.dir)).toBe(true);
    await program.stop();
    expect(existsSync(value.dir)).toBe(false);
    expect(() => process.kill(program.pid, 0)).toThrow("ESRCH");
    await expect(
      new Promise((resolve, reject) => connect(value.port, LOOPBACK, () => resolve("open")).on("error", reject)),
    ).rejects.toThrow("ECONNREFUSED");
  });

  it("that end before they are ready are an error with what they printed", async () => {
    const start = startProgram(0, async () => ({
      launch: launch("console.error('no way'); process.exit(3)"),
      value: 0,
    }));
    await expect(start).rejects.toThrow(ProgramError);
    await expect(start).rejects.toThrow(/ended before it was ready \(exit 3\).*no way/s);
  });

  it("that cannot be run at all are an error", async () => {
    const start = startProgram(0, async () => ({
      launch: { command: "/no/such/program", args: [], ready: async () => true },
      value: 0,
    }));
    await expect(start).rejects.toThrow("/no/such/program");
  });

  it("are started with other ports where somebody else was faster", async () => {
    const server = createServer();
    const [taken = 0] = await freePorts(1);
    await new Promise<void>((resolve) => server.listen(taken, LOOPBACK, resolve));
    const tried: number[] = [];
    try {
      const { program, value } = await startProgram(1, async ([port = 0]) => {
        const chosen = tried.length === 0 ? taken : port;
        tried.push(chosen);
        return { launch: launch(SERVER, String(chosen)), value: chosen };
      });
      running.push(program);
      expect(tried).toEqual([taken, value]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
