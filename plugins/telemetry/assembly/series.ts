import { Counter, Histogram, properties } from "@weft/sdk";
import { Config } from "./config";

const NANOSECONDS_PER_MILLISECOND: i64 = 1_000_000;

/** Istio's four metrics for one combination of labels; those that are not counted are null. */
export class Series {
  private readonly count: Counter | null;
  private readonly duration: Histogram | null;
  private readonly requestBytes: Histogram | null;
  private readonly responseBytes: Histogram | null;

  constructor(
    config: Config,
    suffix: string,
    readonly values: string[],
    readonly isOverflow: bool,
  ) {
    this.count = config.counts("istio_requests_total") ? new Counter("istio_requests_total" + suffix) : null;
    this.duration = histogram(config, "istio_request_duration_milliseconds", suffix);
    this.requestBytes = histogram(config, "istio_request_bytes", suffix);
    this.responseBytes = histogram(config, "istio_response_bytes", suffix);
  }

  /** Counts the current stream. */
  add(): void {
    const count = this.count;
    if (count !== null) count.increment();
    const duration = this.duration;
    if (duration !== null) duration.record(read("request.duration") / NANOSECONDS_PER_MILLISECOND);
    const requestBytes = this.requestBytes;
    if (requestBytes !== null) requestBytes.record(read("request.total_size"));
    const responseBytes = this.responseBytes;
    if (responseBytes !== null) responseBytes.record(read("response.total_size"));
  }
}

function histogram(config: Config, name: string, suffix: string): Histogram | null {
  return config.counts(name) ? new Histogram(name + suffix) : null;
}

function read(attribute: string): u64 {
  const value = properties.integer(attribute);
  return value < 0 ? 0 : <u64>value;
}
