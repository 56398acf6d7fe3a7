import { type FiltersOptions, measureFilters } from "./filters.js";
import { verdict } from "./goals.js";
import { formatReport } from "./report.js";

export interface FiltersCommandOptions extends FiltersOptions {
  check: boolean;
  output: "table" | "json" | "markdown";
}

/** Prints what was measured and returns the exit code. */
export async function filters({ check, output, ...options }: FiltersCommandOptions): Promise<number> {
  const report = await measureFilters(options);
  const goals = report.goals.map((goal) => ({ ...goal, verdict: verdict(goal) }));
  const text =
    output === "json"
      ? JSON.stringify({ ...report, goals }, null, 2)
      : formatReport(report, output === "markdown" ? "markdown" : "text");
  process.stdout.write(`${text}\n`);
  const missed = goals.some((goal) => goal.verdict === "not met" || goal.verdict === "not measured");
  return check && missed ? 1 : 0;
}
