import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningEnvoy, startEnvoy } from "../../test/envoy-static.js";
import { envoyVersion } from "../measure/envoy.js";
import { machine } from "../measure/machine.js";
import { spread } from "../measure/statistics.js";
import { MissingToolError } from "../measure/tools.js";
import { findWrk } from "../measure/wrk.js";
import { type Findings, goals } from "./goals.js";
import { KINDS, type Kind, select } from "./kinds.js";
import { measureRound } from "./measure-round.js";
import { PLUGINS, upstreamResources } from "./plugin-subjects.js";
import type { FiltersReport } from "./report.js";
import { costIn, type Round, ratio, rows } from "./results.js";
import { LISTENER, type Subject } from "./subject.js";

export interface FiltersOptions {
  rounds: number;
  /** Of load, for each kind in each round. */
  seconds: number;
  /** How many filters of a kind are in a chain. */
  filters: number;
  /** What to measure; empty: everything. */
  only: readonly string[];
  without: readonly string[];
  signal: AbortSignal;
  onProgress: (line: string) => void;
}

/** Measures what filters cost. Throws MissingToolError, which names all that is missing, before anything is built. */
export async function measureFilters(options: FiltersOptions): Promise<FiltersReport> {
  const { rounds, seconds, filters, signal, onProgress } = options;
  const kinds = select(KINDS, options);
  await requireRivals(kinds);
  const wrk = findWrk("filters");
  const report = { command: "filters", machine: machine(), envoy: await envoyVersion() } as const;
  const outDir = await mkdtemp(join(tmpdir(), "weft-bench-"));
  let upstream: RunningEnvoy | undefined;
  try {
    if (kinds.some(({ routed }) => routed)) upstream = await startEnvoy({ resources: upstreamResources() });
    const upstreamPort = upstream?.ports.get(LISTENER) ?? 0;
    const subjects: Subject[] = [];
    for (const kind of kinds) {
      onProgress(`building ${kind.name}`);
      subjects.push(await kind.subject({ filters, outDir, upstreamPort }));
    }
    const found: Round[] = [];
    for (let round = 0; round < rounds; round++) {
      found.push(await measureRound(subjects, { wrk, seconds, round, signal }));
      onProgress(`round ${round + 1} of ${rounds}: ${describeRound(subjects, found.at(-1) ?? new Map())}`);
    }
    return {
      ...report,
      options: { rounds, seconds, filters },
      rows: rows(subjects, found),
      goals: goals(findings(subjects, found)),
    };
  } finally {
    await upstream?.stop();
    await rm(outDir, { recursive: true, force: true });
  }
}

/** Throws MissingToolError with all that these kinds lack. */
export async function requireRivals(kinds: readonly Pick<Kind, "rival">[]): Promise<void> {
  const missing = (await Promise.all(kinds.map(({ rival }) => rival?.missing() ?? []))).flat();
  if (missing.length > 0) throw new MissingToolError(missing);
}

function describeRound(subjects: readonly Subject[], round: Round): string {
  return subjects
    .flatMap((subject) => {
      const cost = costIn(round, subject);
      return cost === undefined ? [] : [`${subject.name} ${cost.toFixed(2)}`];
    })
    .join(", ");
}

/** What the goals need, of what was measured. */
export function findings(
  subjects: readonly Omit<Subject, "resources" | "check">[],
  rounds: readonly Round[],
): Findings {
  const named = (name: string) => subjects.find((subject) => subject.name === name);
  const [weft, c] = [named("weft"), named("c")];
  const against = (name: string) => {
    const other = named(name);
    return weft === undefined || other === undefined ? undefined : ratio(rounds, weft, other);
  };
  const memory = (round: Round, name: string) => round.get(name)?.residentBytes ?? 0;
  return {
    ratios: { rust: against("rust"), c: against("c"), "c-bare": against("c-bare"), gcore: against("gcore") },
    moduleBytes: weft?.module?.bytes,
    residentBytesOverC:
      weft === undefined || c === undefined
        ? undefined
        : spread(rounds.map((round) => memory(round, weft.name) - memory(round, c.name))),
    plugins: PLUGINS.map((name) => {
      const plugin = named(name);
      const cost = plugin && spread(rounds.flatMap((round) => costIn(round, plugin) ?? []));
      return { name, cost };
    }),
  };
}
