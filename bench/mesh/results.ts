import { quantile, type Spread, spread } from "../measure/statistics.js";
import type { Load } from "../measure/wrk.js";

/** What is between the load and the app. */
export const PATHS = ["direct", "plain", "weft"] as const;
export type Path = (typeof PATHS)[number];

/** One path in one round. */
export interface PathSample {
  /** In seconds, with few connections. */
  readonly p50: number;
  readonly p99: number;
  /** Requests a second, with many connections. */
  readonly throughput: number;
}

export type Round = Readonly<Record<Path, PathSample>>;

export const MEASURES = ["p50", "p99", "throughput"] as const;
export type Measure = (typeof MEASURES)[number];

/** A path over all rounds: values, and ratios to another path in the same round. */
export interface PathResult {
  readonly path: Path;
  readonly values: Readonly<Record<Measure, Spread>>;
  readonly toDirect: Readonly<Record<Measure, Spread>>;
  readonly toPlain: Readonly<Record<Measure, Spread>>;
}

export function pathResults(rounds: readonly Round[]): PathResult[] {
  const overRounds = (value: (round: Round, measure: Measure) => number): Record<Measure, Spread> => ({
    p50: spread(rounds.map((round) => value(round, "p50"))),
    p99: spread(rounds.map((round) => value(round, "p99"))),
    throughput: spread(rounds.map((round) => value(round, "throughput"))),
  });
  return PATHS.map((path) => ({
    path,
    values: overRounds((round, measure) => round[path][measure]),
    toDirect: overRounds((round, measure) => round[path][measure] / round.direct[measure]),
    toPlain: overRounds((round, measure) => round[path][measure] / round.plain[measure]),
  }));
}

/** What a load found. Throws where a request failed: then its times say nothing. */
export function pathSample(path: Path, few: Load, many: Load): PathSample {
  for (const { refused, socketErrors, requests } of [few, many])
    if (refused + socketErrors > 0 || requests === 0)
      throw new Error(`${path}: ${refused} of ${requests} requests were refused, ${socketErrors} failed`);
  return { ...few.latency, throughput: many.requests / many.seconds };
}

/** Memory of an Envoy process, in bytes. */
export interface Memory {
  readonly resident: number;
  /** What its allocator has given out. */
  readonly allocated: number;
}

/** A sidecar in a mesh of some size, beside an Envoy that knows only what is called. */
export interface MemorySample {
  readonly services: number;
  readonly allInScope: boolean;
  readonly weft: Memory;
  readonly plain: Memory;
  /** Services that the sidecar knew when its memory was measured. */
  readonly clusters: number;
  /** Seconds, of each first request to a service out of scope, and of the one after it; empty: there is none. */
  readonly first: readonly number[];
  readonly second: readonly number[];
}

export const memoryRatio = ({ weft, plain }: MemorySample): number => weft.resident / plain.resident;

/** Of a sidecar at 5,000 services, to an Envoy that knows only what its app calls. */
export const MEMORY_GOAL = 1.5;

/** Which sizes the goal is about: with the default scope, from so many services on. */
export const hasGoal = ({ services, allInScope }: MemorySample): boolean => services >= 5000 && !allInScope;

/** The middle of some times, in milliseconds; undefined where there are none. */
export function medianMs(seconds: readonly number[]): number | undefined {
  return seconds.length === 0 ? undefined : quantile(seconds, 0.5) * 1000;
}
