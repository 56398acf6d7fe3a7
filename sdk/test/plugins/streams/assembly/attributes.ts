import {
  Action,
  CounterFamily,
  GaugeFamily,
  HistogramFamily,
  HttpContext,
  LocalResponse,
  NoConfig,
  properties,
  register,
} from "@weft/sdk";

const SECOND: i64 = 1_000_000_000;

class Attributes extends HttpContext<NoConfig> {
  onRequestHeaders(endOfStream: bool): Action {
    const response = new LocalResponse(200);
    const headers = properties.map("request.headers")!;
    let secret = "";
    for (let i = 0; i < headers.length; i++) if (headers[i].name == "x-secret") secret = headers[i].value;
    const bytes = new Uint8Array(2);
    bytes[0] = 104;
    bytes[1] = 105;
    const time = properties.timestamp("request.time");
    response.body = [
      properties.string("request.method")!,
      (properties.integer("source.port") > 0).toString(),
      properties.boolean("connection.mtls", true).toString(),
      secret,
      (time > 1_600_000_000 * SECOND && time < 4_000_000_000 * SECOND).toString(),
      properties.duration("request.duration", -1).toString(),
      properties.setBytes("binary", bytes.buffer).toString(),
      properties.string("binary")!,
      properties.bytes("binary")!.byteLength.toString(),
      properties.number("request.path", -1.5).toString(),
      properties.map("request.nothing") === null ? "null" : "map",
      properties.list("request.nothing") === null ? "null" : "list",
      properties.has("xds.route_name").toString(),
      properties.has("request.nothing").toString(),
      properties.string("request") === null ? "null" : "group",
      properties.string(properties.path(["request", "headers", "x-secret"]))!,
      properties.string("plugin_root_id")!,
    ].join("|");
    return response.send();
  }
}
register<Attributes, NoConfig>("attributes");

const requests = new CounterFamily("probe_requests", ["route", "code"], 3);
const sizes = new GaugeFamily("probe_size", ["route"]);
const times = new HistogramFamily("probe_time_ms", ["route"]);

class Labelled extends HttpContext<NoConfig> {
  onRequestHeaders(endOfStream: bool): Action {
    const route = this.request.headers.get("x-route")!;
    for (let i = 0; i < 3; i++) requests.with([route, "200"]).increment();
    sizes.with([route]).value = 7;
    sizes.with([route]).add(-2);
    times.with([route]).record(12);
    const response = new LocalResponse(200);
    response.body = requests.with([route, "200"]).value.toString() + "|" + sizes.with([route]).value.toString();
    this.labels.set("probe", "seen " + route);
    return response.send();
  }

  onLog(): void {
    this.labels.set("late", properties.integer("response.code").toString());
    this.labels.set("took", (properties.duration("request.duration") > 0).toString());
  }
}
register<Labelled, NoConfig>("labelled");
