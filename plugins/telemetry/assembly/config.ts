import { config, max, min, pattern } from "@weft/sdk";
import { Label } from "./label";
import { isStandardLabel } from "./labels";
import { UNKNOWN } from "./text";

/** Requests that count as one operation. */
@config
export class Operation {
  /** Value of the label request_operation. */
  @min(1) @max(64) @pattern("^[^;\\x00-\\x1f]*$") name!: string;
  /** Beginning of the path. */
  @min(1) @max(1024) pathPrefix: string = "/";
  /** Method; empty: any. */
  @max(32) method: string = "";
}

@config
export class Config {
  /** Which of Istio's four request metrics are counted; empty: none, for labels only. */
  @max(4) metrics: string[] = [
    "istio_requests_total",
    "istio_request_duration_milliseconds",
    "istio_request_bytes",
    "istio_response_bytes",
  ];
  /** Standard labels that the series do without. Fewer labels are fewer series. */
  @max(32) omitLabels: string[] = [];
  /** The first that matches is the label request_operation. Without any the series do not have that label. */
  @max(64) operations: Operation[] = [];
  /** Labels of your own, for access logs and the series of a WasmPlugin: filter state wasm.weft.<name>. */
  @max(16) labels: Label[] = [];
  /** Standard labels that access logs and series of your own can read too: filter state wasm.weft.<name>. */
  @max(32) filterState: string[] = [];
  /** Combinations of labels that a worker counts on their own; all others share one, with the value `other`. */
  @min(1) @max(10000) maxSeries: i32 = 500;

  validate(): string | null {
    for (let i = 0; i < this.metrics.length; i++) {
      if (METRICS.indexOf(this.metrics[i]) < 0)
        return "metrics: " + this.metrics[i] + " is none of " + METRICS.join(", ");
    }
    const named = isEveryStandard(this.omitLabels, "omitLabels");
    return named !== null ? named : isEveryStandard(this.filterState, "filterState");
  }

  /** Whether a standard label is in a series or in filter state. */
  shows(label: string): bool {
    return this.omitLabels.indexOf(label) < 0 || this.filterState.indexOf(label) >= 0;
  }

  counts(metric: string): bool {
    return this.metrics.indexOf(metric) >= 0;
  }
}

const METRICS = [
  "istio_requests_total",
  "istio_request_duration_milliseconds",
  "istio_request_bytes",
  "istio_response_bytes",
];

function isEveryStandard(names: string[], field: string): string | null {
  for (let i = 0; i < names.length; i++) {
    if (!isStandardLabel(names[i])) return field + ": " + names[i] + " is no standard label";
  }
  return null;
}

/** The name of the first operation that takes the request. */
export function operationOf(operations: Operation[], method: string, path: string): string {
  for (let i = 0; i < operations.length; i++) {
    const operation = operations[i];
    if (operation.method != "" && operation.method != method) continue;
    if (path.startsWith(operation.pathPrefix)) return operation.name;
  }
  return UNKNOWN;
}
