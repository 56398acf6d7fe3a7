import type { Spread } from "../measure/statistics.js";
import type { Column } from "../measure/table.js";
import {
  hasGoal,
  MEMORY_GOAL,
  type MemorySample,
  medianMs,
  memoryRatio,
  type Path,
  type PathResult,
} from "./results.js";

const NONE = "–";
const TITLES: Readonly<Record<Path, string>> = {
  direct: "no mesh",
  plain: "two plain Envoys, mTLS",
  weft: "two Weft sidecars, mTLS",
};

const withQuarters = ({ median, low, high }: Spread, format: (value: number) => string): string =>
  `${format(median)} (${format(low)}–${format(high)})`;
const micros = (seconds: number): string => (seconds * 1e6).toFixed(0);
const ratio = (value: number): string => value.toFixed(2);
const perSecond = (value: number): string => value.toFixed(0);

/** Each path: what was measured, in brackets the quarters. */
export const VALUE_COLUMNS: readonly Column<PathResult>[] = [
  { title: "", cell: ({ path }) => TITLES[path] },
  { title: "p50, µs", cell: ({ values }) => withQuarters(values.p50, micros), right: true },
  { title: "p99, µs", cell: ({ values }) => withQuarters(values.p99, micros), right: true },
  { title: "requests a second", cell: ({ values }) => withQuarters(values.throughput, perSecond), right: true },
];

export interface RatioRow {
  readonly name: string;
  readonly ratios: PathResult["toDirect"];
}

/** Medians of ratios within a round. */
export function ratioRows(paths: readonly PathResult[]): RatioRow[] {
  const of = (path: Path): PathResult => {
    const found = paths.find((result) => result.path === path);
    if (found === undefined) throw new Error(`${path} was not measured`);
    return found;
  };
  return [
    { name: "Weft to no mesh", ratios: of("weft").toDirect },
    { name: "plain Envoys to no mesh", ratios: of("plain").toDirect },
    { name: "Weft to plain Envoys", ratios: of("weft").toPlain },
  ];
}

export const RATIO_COLUMNS: readonly Column<RatioRow>[] = [
  { title: "ratio", cell: ({ name }) => name },
  { title: "p50", cell: ({ ratios }) => withQuarters(ratios.p50, ratio), right: true },
  { title: "p99", cell: ({ ratios }) => withQuarters(ratios.p99, ratio), right: true },
  { title: "requests a second", cell: ({ ratios }) => withQuarters(ratios.throughput, ratio), right: true },
];

const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
const ms = (value: number | undefined): string => value?.toFixed(1) ?? NONE;

export const MEMORY_COLUMNS: readonly Column<MemorySample>[] = [
  {
    title: "services",
    cell: ({ services, allInScope }) => `${services}${allInScope ? ", all in scope" : ""}`,
  },
  { title: "clusters", cell: ({ clusters }) => String(clusters), right: true },
  { title: "sidecar, MB", cell: ({ weft }) => mb(weft.resident), right: true },
  { title: "Envoy that knows five, MB", cell: ({ plain }) => mb(plain.resident), right: true },
  { title: "ratio", cell: (sample) => ratio(memoryRatio(sample)), right: true },
  { title: "allocated, MB", cell: ({ weft }) => mb(weft.allocated), right: true },
  { title: "of Envoy, MB", cell: ({ plain }) => mb(plain.allocated), right: true },
  { title: "first request out of scope, ms", cell: ({ first }) => ms(medianMs(first)), right: true },
  { title: "the next, ms", cell: ({ second }) => ms(medianMs(second)), right: true },
  { title: `at most ${MEMORY_GOAL} ×`, cell: goal },
];

function goal(sample: MemorySample): string {
  if (!hasGoal(sample)) return "";
  return memoryRatio(sample) <= MEMORY_GOAL ? "met" : "not met";
}
