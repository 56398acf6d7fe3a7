import { Command, InvalidArgumentError, Option } from "commander";

export type Output = "table" | "json" | "markdown";

export interface FiltersArguments {
  rounds: number;
  seconds: number;
  filters: number;
  only: string[];
  without: string[];
  check: boolean;
  output: Output;
}

export interface SoakArguments {
  requests: number;
  warmUp: number;
  connections: number;
  output: Output;
}

export interface RateLimitArguments {
  rates: number[];
  seconds: number;
  workers: number;
  connections: number;
  output: Output;
}

export interface SwapArguments {
  swaps: number;
  envoys: number;
  clients: number;
  rate: number;
  connections: number;
  tagPoll: number;
  faultSeconds: number;
  output: Output;
}

export interface MeshArguments {
  rounds: number;
  seconds: number;
  services: number[];
  connections: number;
  loadConnections: number;
  output: Output;
}

export interface ControlPlaneArguments {
  rounds: number;
  clients: number;
  services: number;
  changes: number;
  steady: number;
  profile: boolean;
  output: Output;
}

/** What runs when a benchmark is named; each gives the exit code. */
export interface Benchmarks {
  filters: (options: FiltersArguments) => Promise<number>;
  soak: (options: SoakArguments) => Promise<number>;
  rateLimit: (options: RateLimitArguments) => Promise<number>;
  swap: (options: SwapArguments) => Promise<number>;
  mesh: (options: MeshArguments) => Promise<number>;
  controlPlane: (options: ControlPlaneArguments) => Promise<number>;
}

const MAX_COUNT = 1_000_000_000;

const count = (text: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= MAX_COUNT) return value;
  throw new InvalidArgumentError(`a whole number from 1 to ${MAX_COUNT}`);
};
const atMost =
  (limit: number) =>
  (text: string): number => {
    const value = count(text);
    if (value <= limit) return value;
    throw new InvalidArgumentError(`at most ${limit}`);
  };
const atLeast =
  (limit: number) =>
  (text: string): number => {
    const value = count(text);
    if (value >= limit) return value;
    throw new InvalidArgumentError(`at least ${limit}`);
  };
const counts = (text: string): number[] => {
  const values = text.split(",").map(count);
  if (new Set(values).size < values.length) throw new InvalidArgumentError("each number once");
  return values;
};
const meshSizes = (text: string): number[] => {
  const values = counts(text);
  if (values.every((value) => value >= 10 && value <= 50_000)) return values;
  throw new InvalidArgumentError("each from 10 to 50000");
};
const steadySeconds = (text: string): number => (text === "0" ? 0 : atMost(600)(text));
const output = (): Option =>
  new Option("--output <format>", "how the result is printed").choices(["table", "json", "markdown"]).default("table");

/** The command line; a wrong one is a CommanderError, whose exitCode is 0 where help was asked for. */
export function createProgram(benchmarks: Benchmarks, exit: (code: number) => void): Command {
  const program = new Command("npm run bench --")
    .description("Measures what Weft costs, and whether it keeps what it promises. bench/README.md says how.")
    .usage("NAME [options]")
    .helpCommand(false)
    .showHelpAfterError("(see --help)")
    .addHelpText(
      "after",
      `
Progress is written to stderr, the result to stdout. Exit codes: 0 done; 1 something is missing, could not be measured,
or is not as it must be; 2 wrong usage. Each benchmark says more: npm run bench -- NAME --help`,
    )
    .exitOverride();

  program
    .command("filters")
    .description("what an HTTP filter costs: ours, its rivals, and the plugins of this repository")
    .option("--rounds <n>", "how often everything is measured", count, 10)
    .option("--seconds <n>", "of load, for each kind in each round", count, 4)
    .option("--filters <n>", "how many filters of a kind are in a chain", count, 5)
    .option("--only <name...>", "measure these kinds, and the bases that they need", [])
    .option("--without <name...>", "leave these kinds out, also where what they need is missing", [])
    .option("--check", "exit 1 if a goal is not met or not measured", false)
    .addOption(output())
    .addHelpText(
      "after",
      `
Exit codes: 0 measured, whatever the goals (--check: all are met); 1 a tool is missing, something could not be
measured, or with --check a goal is not met or not measured; 2 wrong usage.

Examples:
  npm run bench -- filters
  npm run bench -- filters --rounds 3 --only c weft
  npm run bench -- filters --without rust gcore --output json`,
    )
    .action(async (options: FiltersArguments) => exit(await benchmarks.filters(options)));

  program
    .command("soak")
    .description("whether memory is what it was, after many requests with bodies and callouts")
    .option("--requests <n>", "how many in all", count, 1_000_000)
    .option("--warm-up <n>", "after how many the memory is first looked at", count, 10_000)
    .option("--connections <n>", "requests at a time", count, 16)
    .addOption(output())
    .addHelpText(
      "after",
      `
Exit codes: 0 the memory is what it was; 1 it is not, or a request failed; 2 wrong usage.

Examples:
  npm run bench -- soak
  npm run bench -- soak --requests 50000 --warm-up 5000`,
    )
    .action(async (options: SoakArguments, command: Command) => {
      if (options.warmUp >= options.requests) command.error("error: --warm-up must be less than --requests");
      exit(await benchmarks.soak(options));
    });

  program
    .command("rate-limit")
    .description("whether plugins/rate-limit admits what it says, over all workers")
    .option("--rates <n,...>", "limits, in requests a second", counts, [20, 500, 5000])
    .option("--seconds <n>", "of load, for each limit", count, 10)
    .option("--workers <n>", "worker threads of Envoy", count, 4)
    .option("--connections <n>", "connections that ask", count, 200)
    .addOption(output())
    .addHelpText(
      "after",
      `
Exit codes: 0 every limit admits what it says; 1 one does not, wrk is missing, or it could not be measured; 2 wrong
usage.

Examples:
  npm run bench -- rate-limit
  npm run bench -- rate-limit --rates 100,1000 --seconds 20 --workers 2`,
    )
    .action(async (options: RateLimitArguments) => exit(await benchmarks.rateLimit(options)));

  program
    .command("swap")
    .description("how a new version of a plugin spreads over a mesh under load, and what one that cannot be had does")
    .option("--swaps <n>", "how many new versions are pushed, one after the other", count, 5)
    .option("--envoys <n>", "real sidecars, which get the load; at most 250", atMost(250), 10)
    .option("--clients <n>", "simulated sidecars; at most 9000", atMost(9000), 1000)
    .option("--rate <n>", "requests a second to each Envoy", count, 100)
    .option("--connections <n>", "keep-alive connections to each Envoy", count, 4)
    .option("--tag-poll <ms>", "how often the control plane looks at a tag again; at least 100", atLeast(100), 250)
    .option("--fault-seconds <n>", "how long each fault lasts after the status told of it", count, 10)
    .addOption(output())
    .addHelpText(
      "after",
      `
Exit codes: 0 every proxy got every version, no request failed or was unfiltered, and what could not be fetched changed
nothing; 1 one of these is not so, or it could not be measured; 2 wrong usage.

Examples:
  npm run bench -- swap
  npm run bench -- swap --clients 100 --swaps 2
  npm run -s bench -- swap --output markdown`,
    )
    .action(async (options: SwapArguments) => exit(await benchmarks.swap(options)));

  program
    .command("mesh")
    .description("what two sidecars cost a request, and how much memory a sidecar takes in a mesh of many services")
    .option("--rounds <n>", "how often everything is measured", count, 10)
    .option("--seconds <n>", "of load, for each measurement in each round", count, 5)
    .option(
      "--services <n,...>",
      "sizes of the mesh for which memory is measured, each 10 to 50000",
      meshSizes,
      [10, 1000, 5000],
    )
    .option("--connections <n>", "requests at a time where latency is measured", count, 2)
    .option("--load-connections <n>", "requests at a time where throughput is measured", count, 32)
    .addOption(output())
    .addHelpText(
      "after",
      `
Exit codes: 0 measured, whatever the goal; 1 wrk is missing, a request failed, or it could not be measured; 2 wrong
usage.

Examples:
  npm run bench -- mesh
  npm run bench -- mesh --rounds 3 --seconds 2 --services 10,1000
  npm run -s bench -- mesh --output markdown`,
    )
    .action(async (options: MeshArguments) => exit(await benchmarks.mesh(options)));

  program
    .command("control-plane")
    .description("how quickly and at what cost istiod and Weft tell sidecars of a change, beside the same API server")
    .option("--rounds <n>", "how often everything is measured", count, 3)
    .option("--clients <n>", "simulated sidecars; at most 9000", atMost(9000), 1000)
    .option("--services <n>", "services of four endpoints; at most 50000", atMost(50_000), 500)
    .option("--changes <n>", "changes of an endpoint, one after the other; at most 200", atMost(200), 15)
    .option("--steady <seconds>", "of ten changes a second, after that; at most 600, 0: none", steadySeconds, 20)
    .option("--profile", "measure Weft once more and say where its time goes", false)
    .addOption(output())
    .addHelpText(
      "after",
      `
etcd, the API server and istiod are built from their Go modules if they are not there, which takes a quarter of an hour.

Exit codes: 0 measured, whatever the goals; 1 something could not be built or measured, or a change did not reach every
sidecar; 2 wrong usage.

Examples:
  npm run bench -- control-plane
  npm run bench -- control-plane --rounds 1 --clients 100
  npm run -s bench -- control-plane --output markdown`,
    )
    .action(async (options: ControlPlaneArguments) => exit(await benchmarks.controlPlane(options)));

  return program;
}
