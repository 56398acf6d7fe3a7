import { defineMetric, incrementMetric, MetricType, NO_METRIC, readMetric, recordMetric } from "./host/metric";

/**
 * A metric of Envoy's, `wasmcustom.<name>` in its statistics. It is defined at its first use, so it may be made where
 * host calls are forbidden: at the top level of a module.
 */
export abstract class Metric {
  private id: u32 = NO_METRIC;
  private defined: bool = false;

  constructor(
    private readonly type: MetricType,
    /** Without Envoy's prefix `wasmcustom.`. */
    readonly name: string,
  ) {}

  protected get handle(): u32 {
    if (!this.defined) {
      this.id = defineMetric(this.type, this.name);
      this.defined = true;
    }
    return this.id;
  }
}

/**
 * A number that only grows; the sum of all workers. An increment costs 0.1 µs.
 *
 * ```ts
 * const refused = new Counter("refused"); // at the top level, once
 *
 * function refuse(): Action {
 *   refused.increment();
 *   return new LocalResponse(403).send();
 * }
 * ```
 */
export class Counter extends Metric {
  constructor(name: string) {
    super(MetricType.Counter, name);
  }

  /** Adds `by`; zero and less are left out. Costs 0.1 µs. */
  increment(by: i64 = 1): void {
    if (by > 0) incrementMetric(this.handle, by);
  }

  /** What all workers have counted so far. */
  get value(): u64 {
    return readMetric(this.handle);
  }
}

/** A number that goes up and down; the sum of all workers. */
export class Gauge extends Metric {
  constructor(name: string) {
    super(MetricType.Gauge, name);
  }

  /** What is there now: setting it overwrites what any worker has set or added. */
  set value(value: u64) {
    recordMetric(this.handle, value);
  }

  get value(): u64 {
    return readMetric(this.handle);
  }

  /** Adds to what is there; a negative number takes away. */
  add(delta: i64): void {
    incrementMetric(this.handle, delta);
  }
}

/** How values are spread: buckets, their sum and their count. It cannot be read back. */
export class Histogram extends Metric {
  constructor(name: string) {
    super(MetricType.Histogram, name);
  }

  /** Adds one value. Put the unit in the name: Envoy has none for these. Costs 0.1 µs. */
  record(value: u64): void {
    recordMetric(this.handle, value);
  }
}
