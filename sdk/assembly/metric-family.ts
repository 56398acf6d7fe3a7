import { Counter, Gauge, Histogram, Metric } from "./metrics";

const MAX_SERIES = 1000;
/** The value of every label of the series that takes what is beyond the bound. */
const OVERFLOW = "overflow";
const SEMICOLON = 59;

/**
 * Metrics of one name that differ in the values of their labels. A series is defined once and found again by its
 * values. It is named `<name>;<label>=<value>…`, where a `;` within a value becomes `_`: Envoy's `stats_tags` turn that
 * into Prometheus labels. Beyond `maxSeries` all others share one whose values are `overflow`.
 */
export abstract class MetricFamily<M extends Metric> {
  private readonly series: Map<string, M> = new Map<string, M>();
  private overflow: M | null = null;

  constructor(
    /** What the names of all series begin with. */
    readonly name: string,
    /** Names of the labels, in the order in which `with` takes their values. */
    readonly labels: string[],
    /** Series in each VM, the overflow not counted. */
    readonly maxSeries: i32 = MAX_SERIES,
  ) {}

  protected abstract create(name: string): M;

  /** The series with these values, in the order of the labels; a missing one is empty. Keep it where you can. */
  with(values: string[]): M {
    const key = values.join("\0");
    if (this.series.has(key)) return this.series.get(key);
    if (this.series.size < this.maxSeries) {
      const series = this.create(this.seriesName(values));
      this.series.set(key, series);
      return series;
    }
    let overflow = this.overflow;
    if (overflow === null) {
      const all: string[] = [];
      for (let i = 0; i < this.labels.length; i++) all.push(OVERFLOW);
      overflow = this.create(this.seriesName(all));
      this.overflow = overflow;
    }
    return overflow;
  }

  private seriesName(values: string[]): string {
    let name = this.name;
    for (let i = 0; i < this.labels.length; i++) {
      name += ";" + this.labels[i] + "=" + (i < values.length ? escapeSemicolons(values[i]) : "");
    }
    return name;
  }
}

function escapeSemicolons(value: string): string {
  let text = "";
  for (let i = 0; i < value.length; i++) text += value.charCodeAt(i) == SEMICOLON ? "_" : value.charAt(i);
  return text;
}

/**
 * Counters of one name with labels.
 *
 * ```ts
 * const requests = new CounterFamily("shop_requests", ["route", "code"]);
 *
 * function count(route: string, code: u32): void {
 *   requests.with([route, code.toString()]).increment();
 * }
 * ```
 */
export class CounterFamily extends MetricFamily<Counter> {
  protected create(name: string): Counter {
    return new Counter(name);
  }
}

/** Gauges of one name with labels. */
export class GaugeFamily extends MetricFamily<Gauge> {
  protected create(name: string): Gauge {
    return new Gauge(name);
  }
}

/** Histograms of one name with labels. Put the unit in the name. */
export class HistogramFamily extends MetricFamily<Histogram> {
  protected create(name: string): Histogram {
    return new Histogram(name);
  }
}
