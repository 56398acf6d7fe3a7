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

export class Counter extends Metric {
  constructor(name: string) {
    super(MetricType.Counter, name);
  }

  /** Adds `by`; zero and less are left out. */
  increment(by: i64 = 1): void {
    if (by > 0) incrementMetric(this.handle, by);
  }

  get value(): u64 {
    return readMetric(this.handle);
  }
}

export class Gauge extends Metric {
  constructor(name: string) {
    super(MetricType.Gauge, name);
  }

  set value(value: u64) {
    recordMetric(this.handle, value);
  }

  get value(): u64 {
    return readMetric(this.handle);
  }

  add(delta: i64): void {
    incrementMetric(this.handle, delta);
  }
}

export class Histogram extends Metric {
  constructor(name: string) {
    super(MetricType.Histogram, name);
  }

  /** Put the unit in the name: Envoy has none for these. */
  record(value: u64): void {
    recordMetric(this.handle, value);
  }
}
