import { describeMachine, machine } from "../measure/machine.js";
import { formatTable, type TableStyle } from "../measure/table.js";
import { type MeasureControlPlaneOptions, measureControlPlane } from "./measure-control-plane.js";
import { byFunction, byPlace, type CpuProfile, PROFILE_COLUMNS } from "./profile.js";
import { COLUMNS } from "./report.js";
import { figureRows } from "./results.js";

export interface ControlPlaneCommandOptions extends MeasureControlPlaneOptions {
  output: "table" | "json" | "markdown";
}

/** Prints what istiod and Weft each cost and how quick they are, and returns the exit code. */
export async function controlPlane({ output, ...options }: ControlPlaneCommandOptions): Promise<number> {
  const on = machine();
  const { rounds, profile } = await measureControlPlane(options);
  const { clients, services, changes, steady } = options;
  if (output === "json") {
    const report = { command: "control-plane", machine: on, options: { clients, services, changes, steady }, rounds };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return 0;
  }
  const style: TableStyle = output === "markdown" ? "markdown" : "text";
  const lines = [
    `${describeMachine(on)}; ${clients} simulated sidecars, ${services} services of 4 endpoints; ${rounds.length} rounds of ${changes} changes${steady === 0 ? "" : `, then ten a second for ${steady} s`}.`,
    "Medians over the rounds, in brackets the quarters; ratios to istiod are of the same round. Weft serves equal content: all services are in scope. Scoped, a sidecar is sent five of them.",
    "",
    formatTable(COLUMNS, figureRows(rounds), style),
    ...(profile === undefined ? [] : ["", ...profileTables(profile, style)]),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}

const PROFILE_ROWS = 15;

const profileTables = (profile: CpuProfile, style: TableStyle): string[] => [
  "Where Weft's time goes, from its start to its end, without idling:",
  "",
  formatTable(PROFILE_COLUMNS, byPlace(profile).slice(0, PROFILE_ROWS), style),
  "",
  formatTable(PROFILE_COLUMNS, byFunction(profile).slice(0, PROFILE_ROWS), style),
];
