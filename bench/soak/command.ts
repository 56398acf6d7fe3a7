import { join } from "node:path";
import { runSoak } from "../../sdk/test/soak.js";
import { envoyVersion } from "../measure/envoy.js";
import { describeMachine, machine } from "../measure/machine.js";
import { ROOT } from "../measure/repository.js";
import { formatTable } from "../measure/table.js";
import { judgeSoak, type MemoryCheck } from "./judge-soak.js";

export interface SoakCommandOptions {
  requests: number;
  /** After how many requests the memory is first looked at. */
  warmUp: number;
  connections: number;
  output: "table" | "json" | "markdown";
  signal: AbortSignal;
  onProgress: (line: string) => void;
}

const PLUGIN = join(ROOT, "sdk", "test", "plugins", "soak");
const PROGRESS_MS = 10_000;

/** Prints what the memory was early and late, and returns the exit code: 1 where it grew. */
export async function soak(options: SoakCommandOptions): Promise<number> {
  const { requests, warmUp, connections, output, signal, onProgress } = options;
  const report = { command: "soak", machine: machine(), envoy: await envoyVersion() };
  const started = Date.now();
  let told = started;
  const result = await runSoak({
    requests,
    warmUp,
    connections,
    pluginDir: PLUGIN,
    signal,
    onProgress: (sent) => {
      if (Date.now() - told < PROGRESS_MS) return;
      told = Date.now();
      const perSecond = Math.round(sent / ((told - started) / 1000));
      onProgress(`${sent} of ${requests} requests, ${perSecond} a second`);
    },
  });
  const seconds = (Date.now() - started) / 1000;
  const checks = judgeSoak(result);
  const met = checks.every((check) => check.met);
  if (output === "json") {
    const values = { ...report, options: { requests, warmUp, connections }, seconds, result, checks, met };
    process.stdout.write(`${JSON.stringify(values, null, 2)}\n`);
    return met ? 0 : 1;
  }
  const lines = [
    `${describeMachine(report.machine)}; Envoy ${report.envoy}, one worker; ${result.sent} requests in ${seconds.toFixed(0)} s.`,
    "",
    formatTable(columns(warmUp, result.sent), checks, output === "markdown" ? "markdown" : "text"),
  ];
  if (result.failure !== undefined) lines.push("", `Ended early: ${result.failure}`);
  process.stdout.write(`${lines.join("\n")}\n`);
  return met ? 0 : 1;
}

function columns(warmUp: number, sent: number) {
  const value = (amount: number | undefined): string => (amount === undefined ? "–" : String(amount));
  return [
    { title: "", cell: ({ name }: MemoryCheck) => name },
    { title: `after ${warmUp}`, cell: ({ early }: MemoryCheck) => value(early), right: true },
    { title: `after ${sent}`, cell: ({ late }: MemoryCheck) => value(late), right: true },
    { title: "goal", cell: ({ goal }: MemoryCheck) => goal },
    { title: "", cell: ({ met }: MemoryCheck) => (met ? "met" : "not met") },
  ];
}
