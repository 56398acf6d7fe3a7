import { describeMachine, type Machine } from "../measure/machine.js";
import type { Spread } from "../measure/statistics.js";
import { type Column, formatTable, type TableStyle } from "../measure/table.js";
import { type Goal, verdict } from "./goals.js";
import type { Row } from "./results.js";

export interface FiltersReport {
  command: "filters";
  machine: Machine;
  envoy: string;
  options: { rounds: number; seconds: number; filters: number };
  rows: readonly Row[];
  goals: readonly Goal[];
}

const number = (value: number, digits: number): string => value.toFixed(digits);
const withSpread = ({ median, low, high }: Spread, digits: number): string =>
  `${number(median, digits)} (${number(low, digits)}–${number(high, digits)})`;

const ROW_COLUMNS: readonly Column<Row>[] = [
  { title: "", cell: ({ name }) => name },
  { title: "what", cell: ({ what }) => what },
  { title: "filters", cell: ({ filters }) => String(filters), right: true },
  {
    title: "µs per request",
    cell: ({ microsecondsPerRequest }) => withSpread(microsecondsPerRequest, 1),
    right: true,
  },
  {
    title: "µs per filter",
    cell: ({ microsecondsPerFilter: cost }) => (cost === undefined ? "–" : withSpread(cost, 2)),
    right: true,
  },
  { title: "Envoy, MB", cell: ({ residentBytes }) => number(residentBytes.median / 1e6, 1), right: true },
  {
    title: "module, KB",
    cell: ({ moduleBytes }) => (moduleBytes === undefined ? "–" : number(moduleBytes / 1000, 1)),
    right: true,
  },
];

const GOAL_COLUMNS: readonly Column<Goal>[] = [
  { title: "goal", cell: ({ name }) => name },
  {
    title: "limit",
    cell: ({ limit, inclusive, unit, stretch }) =>
      `${inclusive ? "≤" : "<"} ${limit} ${unit}${stretch === undefined ? "" : ` (${stretch})`}`,
  },
  { title: "measured", cell: measuredCell, right: true },
  { title: "", cell: verdict },
];

function measuredCell({ value, low, high }: Goal): string {
  if (value === undefined) return "–";
  const digits = value >= 100 ? 0 : 2;
  return low === undefined || high === undefined
    ? number(value, digits)
    : `${number(value, digits)} (${number(low, digits)}–${number(high, digits)})`;
}

/** Both tables, and on what they were measured. */
export function formatReport(report: FiltersReport, style: TableStyle): string {
  const { machine, envoy, options, rows, goals } = report;
  const { rounds, seconds } = options;
  const made = rows.flatMap(({ name, madeWith }) => (madeWith === undefined ? [] : [`${name}: ${madeWith}`]));
  const bullet = style === "markdown" ? "- " : "";
  return [
    `${describeMachine(machine)}; Envoy ${envoy}, one worker; ${rounds} rounds of ${seconds} s for each.`,
    "Medians over the rounds, in brackets the quarters.",
    "",
    formatTable(ROW_COLUMNS, rows, style),
    "",
    formatTable(GOAL_COLUMNS, goals, style),
    "",
    ...made.map((line) => `${bullet}${line}`),
  ].join("\n");
}
