import { envoyVersion } from "../measure/envoy.js";
import { describeMachine, machine } from "../measure/machine.js";
import { formatTable } from "../measure/table.js";
import { measureSwap } from "./measure-swap.js";
import { columns, rows, shortcomings } from "./report.js";

export interface SwapCommandOptions {
  swaps: number;
  envoys: number;
  clients: number;
  rate: number;
  connections: number;
  tagPoll: number;
  faultSeconds: number;
  output: "table" | "json" | "markdown";
  signal: AbortSignal;
  onProgress: (line: string) => void;
}

/** Prints how a new version of a plugin spreads, and returns the exit code: 1 where something is not as it must be. */
export async function swap({ output, signal, onProgress, ...options }: SwapCommandOptions): Promise<number> {
  const { swaps, envoys, clients, rate, connections, tagPoll } = options;
  const on = machine();
  const envoy = await envoyVersion();
  const result = await measureSwap({ ...options, tagPollMs: tagPoll, signal, onProgress });
  const wrong = shortcomings(result.swaps, result.faults, envoys, clients);
  const met = wrong.length === 0;
  if (output === "json") {
    const report = { command: "swap", machine: on, envoy, options, ...result, shortcomings: wrong, met };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return met ? 0 : 1;
  }
  const style = output === "markdown" ? "markdown" : "text";
  const lines = [
    `${describeMachine(on)}; Envoy ${envoy}, two workers; ${envoys} Envoys with ${rate} requests a second each over ${connections} connections, ${clients} simulated sidecars; tags looked at every ${tagPoll} ms; module of ${(result.moduleBytes / 1000).toFixed(1)} KB.`,
    "Times are from the end of the push.",
    "",
    formatTable(columns(swaps, result.faults), rows(result.swaps, result.faults, envoys, clients), style),
    "",
    met
      ? "Nothing failed, nothing was unfiltered, and what could not be fetched changed nothing."
      : "Not as it must be:",
    ...wrong.map((line) => `- ${line}`),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return met ? 0 : 1;
}
