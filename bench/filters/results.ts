import { type Spread, spread } from "../measure/statistics.js";
import type { Sample } from "./measure-round.js";
import type { Subject } from "./subject.js";

/** What was found about one subject. */
export interface Row {
  name: string;
  what: string;
  filters: number;
  /** CPU time of Envoy for a request, in microseconds. */
  microsecondsPerRequest: Spread;
  /** What one filter adds to it, against the base of the same round. Absent for a base. */
  microsecondsPerFilter?: Spread;
  residentBytes: Spread;
  moduleBytes?: number;
  madeWith?: string;
}

export type Round = ReadonlyMap<string, Sample>;
type Measured = Pick<Subject, "name" | "base" | "filters">;

/** What a filter adds to a request in this round; undefined for a base. */
export function costIn(round: Round, { name, base, filters }: Measured): number | undefined {
  if (base === undefined) return undefined;
  const [own, without] = [round.get(name), round.get(base)];
  if (own === undefined || without === undefined) throw new Error(`${name} was measured without ${base}`);
  return (own.microsecondsPerRequest - without.microsecondsPerRequest) / filters;
}

/**
 * How many times as much as `other` the first costs, round by round. A round in which `other` seems to cost nothing
 * says nothing; undefined where all are such.
 */
export function ratio(rounds: readonly Round[], subject: Measured, other: Measured): Spread | undefined {
  const ratios = rounds.flatMap((round) => {
    const [own, others] = [costIn(round, subject), costIn(round, other)];
    return own === undefined || others === undefined || others <= 0 ? [] : [own / others];
  });
  return ratios.length === 0 ? undefined : spread(ratios);
}

export function rows(subjects: readonly Omit<Subject, "resources" | "check">[], rounds: readonly Round[]): Row[] {
  return subjects.map((subject) => {
    const { name, what, filters, module } = subject;
    const samples = rounds.flatMap((round) => round.get(name) ?? []);
    const costs = rounds.flatMap((round) => costIn(round, subject) ?? []);
    return {
      name,
      what,
      filters,
      microsecondsPerRequest: spread(samples.map((sample) => sample.microsecondsPerRequest)),
      ...(costs.length === 0 ? {} : { microsecondsPerFilter: spread(costs) }),
      residentBytes: spread(samples.map((sample) => sample.residentBytes)),
      ...(module === undefined ? {} : { moduleBytes: module.bytes, madeWith: module.madeWith }),
    };
  });
}
