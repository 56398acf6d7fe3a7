import { envoyVersion } from "../measure/envoy.js";
import { describeMachine, machine } from "../measure/machine.js";
import { type Column, formatTable, type TableStyle } from "../measure/table.js";
import { findWrk } from "../measure/wrk.js";
import type { Accuracy } from "./accuracy.js";
import { measureRateLimit, type RateLimitOptions, type Sequence } from "./rate-limit.js";

export interface RateLimitCommandOptions extends Omit<RateLimitOptions, "wrk"> {
  output: "table" | "json" | "markdown";
}

const ACCURACY_COLUMNS: readonly Column<Accuracy>[] = [
  { title: "limit, a second", cell: ({ rate }) => String(rate), right: true },
  { title: "seconds", cell: ({ seconds }) => seconds.toFixed(2), right: true },
  { title: "requests", cell: ({ requests }) => String(requests), right: true },
  { title: "admitted", cell: ({ admitted }) => String(admitted), right: true },
  { title: "beyond the burst", cell: ({ admitted, burst }) => String(admitted - burst), right: true },
  { title: "rate × seconds", cell: ({ expected }) => expected.toFixed(0), right: true },
  { title: "off by", cell: ({ deviation }) => `${(deviation * 100).toFixed(2)} %`, right: true },
  { title: "within 2 %", cell: ({ met }) => (met ? "met" : "not met") },
];

const SEQUENCE_COLUMNS: readonly Column<Sequence>[] = [
  { title: "limit", cell: ({ limit }) => String(limit), right: true },
  { title: "sent in a row", cell: ({ sent }) => String(sent), right: true },
  { title: "admitted", cell: ({ admitted }) => String(admitted), right: true },
  { title: "exactly", cell: ({ met }) => (met ? "met" : "not met") },
];

/** Prints what was admitted and returns the exit code: 1 where a limit does not admit what it says. */
export async function rateLimit({ output, ...options }: RateLimitCommandOptions): Promise<number> {
  const wrk = findWrk("rate-limit");
  const on = machine();
  const envoy = await envoyVersion();
  const result = await measureRateLimit({ ...options, wrk });
  const met = [...result.accuracies, ...result.sequences].every((one) => one.met);
  const { rates, seconds, workers, connections } = options;
  if (output === "json") {
    const report = { command: "rate-limit", machine: on, envoy, options: { rates, seconds, workers, connections } };
    process.stdout.write(`${JSON.stringify({ ...report, ...result, met }, null, 2)}\n`);
    return met ? 0 : 1;
  }
  const style: TableStyle = output === "markdown" ? "markdown" : "text";
  const lines = [
    `${describeMachine(on)}; Envoy ${envoy}, ${workers} workers, ${connections} connections.`,
    "",
    formatTable(ACCURACY_COLUMNS, result.accuracies, style),
    "",
    formatTable(SEQUENCE_COLUMNS, result.sequences, style),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return met ? 0 : 1;
}
