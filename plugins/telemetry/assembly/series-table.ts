import { Config } from "./config";
import { labelValues, nameSuffix, Outcome, otherValues } from "./labels";
import { Party } from "./party";
import { KnownOutcome, KnownParty, mix } from "./party-table";
import { Series } from "./series";

/** Outcomes of one party beyond this many are forgotten, and found anew when they come again. */
const MAX_OUTCOMES = 256;

/** Series by their labels. Their number is bounded: beyond `maxSeries` all share one for each direction. */
export class SeriesTable {
  private readonly bySuffix: Map<string, Series> = new Map<string, Series>();
  private overflowOut: Series | null = null;
  private overflowIn: Series | null = null;

  constructor(private readonly config: Config) {}

  find(known: KnownParty, outcome: Outcome): Series {
    const hash = hashOf(outcome);
    if (known.outcomes.has(hash)) {
      const found = known.outcomes.get(hash);
      if (found.outcome.equals(outcome)) return found.series;
    }
    if (known.outcomes.size >= MAX_OUTCOMES) known.outcomes.clear();
    const series = this.byLabels(known.party, outcome);
    known.outcomes.set(hash, new KnownOutcome(outcome, series));
    return series;
  }

  private byLabels(party: Party, outcome: Outcome): Series {
    const values = labelValues(party, outcome);
    const suffix = this.suffix(values);
    if (this.bySuffix.has(suffix)) return this.bySuffix.get(suffix);
    if (this.bySuffix.size >= this.config.maxSeries) return this.overflow(party.isOutbound);
    const series = new Series(this.config, suffix, values, false);
    this.bySuffix.set(suffix, series);
    return series;
  }

  private overflow(isOutbound: bool): Series {
    const made = isOutbound ? this.overflowOut : this.overflowIn;
    if (made !== null) return made;
    const values = otherValues(isOutbound);
    const series = new Series(this.config, this.suffix(values), values, true);
    if (isOutbound) this.overflowOut = series;
    else this.overflowIn = series;
    return series;
  }

  private suffix(values: string[]): string {
    return nameSuffix(values, this.config.omitLabels, this.config.operations.length > 0);
  }
}

function hashOf(outcome: Outcome): u64 {
  let hash = mix(mix(mix(0, outcome.code), outcome.flags), outcome.grpcStatus);
  for (let i = 0; i < outcome.operation.length; i++) hash = mix(hash, outcome.operation.charCodeAt(i));
  return hash;
}
