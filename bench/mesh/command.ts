import { envoyVersion } from "../measure/envoy.js";
import { describeMachine, machine } from "../measure/machine.js";
import { formatTable, type TableStyle } from "../measure/table.js";
import { findWrk } from "../measure/wrk.js";
import { CONCURRENCY, type MeasureMeshOptions, measureMesh } from "./measure-mesh.js";
import { MEMORY_COLUMNS, RATIO_COLUMNS, ratioRows, VALUE_COLUMNS } from "./report.js";

export interface MeshCommandOptions extends Omit<MeasureMeshOptions, "wrk"> {
  output: "table" | "json" | "markdown";
}

/** Prints what sidecars cost in time and memory, and returns the exit code. */
export async function mesh({ output, ...options }: MeshCommandOptions): Promise<number> {
  const wrk = findWrk("mesh");
  const on = machine();
  const envoy = await envoyVersion();
  const result = await measureMesh({ ...options, wrk });
  const { rounds, seconds, services, connections, loadConnections } = options;
  if (output === "json") {
    const given = { rounds, seconds, services, connections, loadConnections };
    const report = { command: "mesh", machine: on, envoy, options: given, ...result };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return 0;
  }
  const style: TableStyle = output === "markdown" ? "markdown" : "text";
  const lines = [
    `${describeMachine(on)}; Envoy ${envoy}, ${CONCURRENCY} workers; ${rounds} rounds of ${seconds} s for each measurement; latency with ${connections} connections, throughput with ${loadConnections}.`,
    "Medians over the rounds, in brackets the quarters; ratios are of the same round.",
    "",
    formatTable(VALUE_COLUMNS, result.paths, style),
    "",
    formatTable(RATIO_COLUMNS, ratioRows(result.paths), style),
    "",
    formatTable(MEMORY_COLUMNS, result.memory, style),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}
