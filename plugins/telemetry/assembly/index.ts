import { Counter, HttpContext, properties, RootContext, registerRoot } from "@weft/sdk";
import { Config, operationOf } from "./config";
import { Distinct } from "./distinct";
import { Label } from "./label";
import { NOT_GRPC, Outcome, valueOf } from "./labels";
import { PartyTable } from "./party-table";
import { firstTemplate } from "./path-template";
import { SeriesTable } from "./series-table";
import { readCertificate, readGrpcStatus, readWhere } from "./stream";
import { labelValue, UNKNOWN } from "./text";

const FORGET_MS = 10_000;

const seriesOverflow = new Counter("weft_telemetry_series_overflow_total");
const valueOverflow = new Counter("weft_telemetry_label_overflow_total");

class Reporter extends RootContext<Config> {
  parties: PartyTable = new PartyTable();
  table!: SeriesTable;
  showsFlags: bool = true;
  showsProtocol: bool = true;
  /** The values of each label of the user's. */
  distinct: Distinct[] = [];

  onConfigure(): bool {
    this.table = new SeriesTable(this.config);
    const labels = this.config.labels;
    for (let i = 0; i < labels.length; i++) this.distinct.push(new Distinct(labels[i].maxValues));
    this.showsFlags = this.config.shows("response_flags");
    this.showsProtocol = this.config.shows("request_protocol") || this.config.shows("grpc_response_status");
    this.tickPeriodMs = FORGET_MS;
    return true;
  }

  onTick(): void {
    this.parties.forget();
  }
}

/*
 * All is done when the stream has ended: then everything is known, requests that a filter refused are seen too, and
 * access loggers come after filters.
 */
class Telemetry extends HttpContext<Config> {
  onLog(): void {
    const root = this.root as Reporter;
    const config = root.config;
    const labels = config.labels;
    for (let i = 0; i < labels.length; i++) this.setLabel(labels[i], root.distinct[i]);
    if (config.metrics.length == 0 && config.filterState.length == 0) return;
    const where = readWhere();
    const known = root.parties.find(where, readCertificate(where));
    const series = root.table.find(known, this.outcome(config));
    series.add();
    if (series.isOverflow) seriesOverflow.increment();
    const names = config.filterState;
    for (let i = 0; i < names.length; i++) this.labels.set(names[i], valueOf(series.values, names[i]));
  }

  /* What no label shows is not read. */
  private outcome(config: Config): Outcome {
    const root = this.root as Reporter;
    // First, because it fetches all headers at once, and the look-ups after it cost no call.
    const operation = config.operations.length == 0 ? UNKNOWN : this.operation();
    return new Outcome(
      properties.integer("response.code"),
      root.showsFlags ? properties.integer("response.flags") : 0,
      root.showsProtocol ? readGrpcStatus(this.request.headers) : NOT_GRPC,
      operation,
    );
  }

  private operation(): string {
    const headers = this.request.headers;
    const methods = headers.all(":method");
    const path = headers.get(":path");
    return operationOf(this.config.operations, methods.length == 0 ? "" : methods[0], path === null ? "" : path);
  }

  private setLabel(label: Label, distinct: Distinct): void {
    const refused = distinct.refused;
    this.labels.set(label.name, distinct.admit(this.ownValue(label)));
    if (distinct.refused != refused) valueOverflow.increment();
  }

  private ownValue(label: Label): string {
    if (label.value != "") return labelValue(label.value);
    let value: string | null = null;
    if (label.requestHeader != "") value = this.request.headers.get(label.requestHeader);
    else if (label.responseHeader != "") value = this.response.headers.get(label.responseHeader);
    else {
      const path = this.request.headers.get(":path");
      if (path !== null) value = firstTemplate(label.paths, path);
    }
    return labelValue(value === null || value == "" ? label.fallback : value);
  }
}

registerRoot<Telemetry, Reporter>("telemetry");
