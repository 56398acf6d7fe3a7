import { type Spread, spread } from "../measure/statistics.js";

/** What the load prints; seconds, milliseconds and bytes, as the names say (xdsload/measure.go). */
export interface LoadResult {
  readonly connectSeconds: number;
  readonly connectCpuSeconds: number;
  readonly connectedBytes: number;
  readonly endBytes: number;
  readonly initialBytesEach: number;
  readonly changeP50Ms: number;
  readonly changeP99Ms: number;
  readonly lastP50Ms: number;
  readonly lastMaxMs: number;
  readonly changeCpuMs: number;
  readonly changeBytesEach: number;
  readonly lost: number;
  readonly ends: number;
  readonly steady?: {
    readonly changes: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly cpuMsEach: number;
    readonly growthBytes: number;
  };
}

/** Who serves: all services in scope, except for the last. */
export const CONTENDERS = ["istiod", "weft", "weft-scoped"] as const;
export type Contender = (typeof CONTENDERS)[number];

export type Round = Readonly<Record<Contender, LoadResult>>;

/** A figure that is compared. */
export interface Figure {
  readonly title: string;
  /** NaN where it was not measured. */
  readonly of: (result: LoadResult) => number;
  /** How much of istiod's it may be; undefined: no goal is set. */
  readonly goal?: number;
  readonly digits: number;
}

const MB = 1e6;

/** In the order in which they are printed. */
export const FIGURES: readonly Figure[] = [
  { title: "connect all, s", of: (r) => r.connectSeconds, goal: 1 / 4, digits: 1 },
  { title: "CPU for that, s", of: (r) => r.connectCpuSeconds, goal: 1 / 8, digits: 1 },
  { title: "memory after (RSS), MB", of: (r) => r.connectedBytes / MB, goal: 1 / 4, digits: 0 },
  { title: "one change at each sidecar, p50, ms", of: (r) => r.changeP50Ms, goal: 1 / 5, digits: 0 },
  { title: "the same, p99, ms", of: (r) => r.changeP99Ms, goal: 1 / 5, digits: 0 },
  { title: "at the last sidecar, median, ms", of: (r) => r.lastP50Ms, digits: 0 },
  { title: "at the last sidecar, worst, ms", of: (r) => r.lastMaxMs, digits: 0 },
  { title: "CPU for a change, ms", of: (r) => r.changeCpuMs, goal: 1 / 4, digits: 0 },
  { title: "ten changes a second, p99, ms", of: (r) => r.steady?.p99Ms ?? Number.NaN, goal: 1 / 5, digits: 0 },
  { title: "CPU for each of them, ms", of: (r) => r.steady?.cpuMsEach ?? Number.NaN, goal: 1 / 5, digits: 0 },
  { title: "memory that they added, MB", of: (r) => (r.steady?.growthBytes ?? Number.NaN) / MB, digits: 0 },
  { title: "sent to a sidecar at the start, KB", of: (r) => r.initialBytesEach / 1e3, digits: 0 },
  { title: "sent to a sidecar for a change, bytes", of: (r) => r.changeBytesEach, digits: 0 },
];

export interface FigureRow {
  readonly figure: Figure;
  readonly values: Readonly<Record<Contender, Spread>>;
  /** Medians of ratios to istiod within a round. */
  readonly ratio: Readonly<Record<Exclude<Contender, "istiod">, Spread>>;
}

export function figureRows(rounds: readonly Round[]): FigureRow[] {
  const isMeasured = ({ of }: Figure) => rounds.every((round) => !Number.isNaN(of(round.istiod)));
  return FIGURES.filter(isMeasured).map((figure) => {
    const values = (contender: Contender) => spread(rounds.map((round) => figure.of(round[contender])));
    const ratio = (contender: Contender) =>
      spread(rounds.map((round) => figure.of(round[contender]) / figure.of(round.istiod)));
    return {
      figure,
      values: { istiod: values("istiod"), weft: values("weft"), "weft-scoped": values("weft-scoped") },
      ratio: { weft: ratio("weft"), "weft-scoped": ratio("weft-scoped") },
    };
  });
}

/** Whether the goal is met with equal content; undefined where there is none. */
export function isMet({ figure, ratio }: FigureRow): boolean | undefined {
  return figure.goal === undefined ? undefined : ratio.weft.median <= figure.goal;
}
