/** Values by name: a number of a counter or gauge, a text of a histogram. */
export type MetricValues = ReadonlyMap<string, number | string>;

export interface MetricChange {
  readonly name: string;
  /** Of a histogram its quantiles: `p50 1 p99 3.1`. */
  readonly value: number | string;
  /** What a number has changed by. */
  readonly by?: number;
}

/** Reads Envoy's `/stats` in its text format; only what plugins define. Names without the prefix of Envoy. */
export function parseMetrics(stats: string): MetricValues {
  const values = new Map<string, number | string>();
  for (const line of stats.split("\n")) {
    const [, name, text] = /^wasmcustom\.(.+): (\S.*)$/.exec(line.trim()) ?? [];
    if (name === undefined || text === undefined) continue;
    if (/^-?\d+$/.test(text)) values.set(name, Number(text));
    else if (text.startsWith("P0(")) values.set(name, quantiles(text));
  }
  return values;
}

/** What is new or other than before, sorted by name. A number that appears with 0 is no news. */
export function metricChanges(before: MetricValues, after: MetricValues): MetricChange[] {
  const changes: MetricChange[] = [];
  for (const [name, value] of after) {
    const old = before.get(name);
    if (old === value || (old === undefined && value === 0)) continue;
    if (typeof value === "string") changes.push({ name, value });
    else changes.push({ name, value, by: value - (typeof old === "number" ? old : 0) });
  }
  return changes.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** In one line, at most `most` of them: `requests 12 (+3), latency p50 1 p99 3.1, 4 more`. */
export function formatMetricChanges(changes: readonly MetricChange[], most = 6): string {
  const shown = changes.slice(0, most).map(({ name, value, by }) => {
    if (by === undefined) return `${name} ${value}`;
    return `${name} ${value} (${by < 0 ? "" : "+"}${by})`;
  });
  const rest = changes.length - shown.length;
  return [...shown, ...(rest > 0 ? [`${rest} more`] : [])].join(", ");
}

/* Each quantile has the value of the last interval and that of all time: `P50(nan,1.05)`. */
function quantiles(text: string): string {
  const all = new Map(
    [...text.matchAll(/P([\d.]+)\([^,]*,([^)]*)\)/g)].map(([, quantile, value]) => [quantile, value]),
  );
  const of = (quantile: string): string => Number(Number(all.get(quantile)).toPrecision(3)).toString();
  return `p50 ${of("50")} p99 ${of("99")} max ${of("100")}`;
}
