import { expect, test } from "vitest";
import { createProgram } from "./program.js";

/* What runs for these arguments, or how the program ends. */
async function parsed(...args: string[]): Promise<unknown> {
  let seen: unknown;
  const record = (name: string) => async (options: object) => {
    seen = { name, ...options };
    return 7;
  };
  const exits: number[] = [];
  const program = createProgram(
    {
      filters: record("filters"),
      soak: record("soak"),
      rateLimit: record("rate-limit"),
      swap: record("swap"),
      mesh: record("mesh"),
      controlPlane: record("control-plane"),
    },
    (code) => exits.push(code),
  );
  const quiet = { writeOut: () => undefined, writeErr: () => undefined };
  for (const command of [program, ...program.commands]) command.configureOutput(quiet);
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    return (error as { exitCode: number; code: string }).code;
  }
  expect(exits).toEqual([7]);
  return seen;
}

const filters = {
  name: "filters",
  rounds: 10,
  seconds: 4,
  filters: 5,
  only: [],
  without: [],
  check: false,
  output: "table",
};
const rateLimit = {
  name: "rate-limit",
  rates: [20, 500, 5000],
  seconds: 10,
  workers: 4,
  connections: 200,
  output: "table",
};
const swap = {
  name: "swap",
  swaps: 5,
  envoys: 10,
  clients: 1000,
  rate: 100,
  connections: 4,
  tagPoll: 250,
  faultSeconds: 10,
  output: "table",
};
const mesh = {
  name: "mesh",
  rounds: 10,
  seconds: 5,
  services: [10, 1000, 5000],
  connections: 2,
  loadConnections: 32,
  output: "table",
};

test.each([
  [["filters"], filters],
  [["filters", "--without", "rust", "gcore", "--rounds", "3"], { ...filters, without: ["rust", "gcore"], rounds: 3 }],
  [["filters", "--without", "rust", "--without", "gcore"], { ...filters, without: ["rust", "gcore"] }],
  [["filters", "--only", "c", "--check", "--output", "json"], { ...filters, only: ["c"], check: true, output: "json" }],
  [["soak"], { name: "soak", requests: 1_000_000, warmUp: 10_000, connections: 16, output: "table" }],
  [["rate-limit"], rateLimit],
  [["rate-limit", "--rates", "5,50"], { ...rateLimit, rates: [5, 50] }],
  [["swap"], swap],
  [["swap", "--clients", "100", "--tag-poll", "500"], { ...swap, clients: 100, tagPoll: 500 }],
  [["swap", "--envoys", "251"], "commander.invalidArgument"],
  [["swap", "--tag-poll", "99"], "commander.invalidArgument"],
  [["mesh"], mesh],
  [["mesh", "--services", "10,200", "--rounds", "2"], { ...mesh, services: [10, 200], rounds: 2 }],
  [["mesh", "--services", "9"], "commander.invalidArgument"],
  [["filters", "--help"], "commander.helpDisplayed"],
  [["filters", "--rounds", "0"], "commander.invalidArgument"],
  [["filters", "--rounds", "1.5"], "commander.invalidArgument"],
  [["filters", "--output", "yaml"], "commander.invalidArgument"],
  [["filters", "rust"], "commander.excessArguments"],
  [["rate-limit", "--rates", "5,x"], "commander.invalidArgument"],
  [["rate-limit", "--rates", "5,5"], "commander.invalidArgument"],
  [["soak", "--requests", "10000"], "commander.error"],
  [["speed"], "commander.unknownCommand"],
])("%j", async (args, expected) => {
  expect(await parsed(...args)).toEqual(expected);
});
