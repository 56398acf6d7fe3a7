import {
  BufferTypeValues,
  Context,
  Counter,
  clear_route_cache,
  define_metric,
  dequeue_shared_queue,
  enqueue_shared_queue,
  FilterDataStatusValues,
  FilterHeadersStatusValues,
  Gauge,
  GrpcStatusValues,
  get_buffer_bytes,
  get_metric,
  get_property,
  get_shared_data,
  HeaderPair,
  Histogram,
  LogLevelValues,
  log,
  MetricTypeValues,
  RootContext,
  register_shared_queue,
  registerRootContext,
  resolve_shared_queue,
  send_local_response,
  set_property,
  set_shared_data,
  set_tick_period_milliseconds,
  stream_context,
  WasmResultValues,
} from "@solo-io/proxy-runtime/runtime";

/* At the top level, where the original could not define it. */
const counter = new Counter("compat_counter");

class DataRoot extends RootContext {
  ticks: i32 = 0;
  queued: string = "";

  onStart(size: usize): bool {
    return true;
  }

  onConfigure(size: u32): bool {
    set_tick_period_milliseconds(20);
    log(LogLevelValues.warn, "compat: " + size.toString() + " " + this.getConfiguration());
    return register_shared_queue("compat").result == WasmResultValues.Ok && this.getConfiguration() != "refuse";
  }

  onTick(): void {
    this.ticks++;
  }

  onQueueReady(token: u32): void {
    const found = dequeue_shared_queue(token);
    if (found.result == WasmResultValues.Ok) this.queued = String.UTF8.decode(found.data!);
  }

  onDone(): bool {
    return true;
  }

  createContext(context_id: u32): Context {
    return new Data(context_id, this);
  }
}

class Data extends Context {
  constructor(context_id: u32, root_context: DataRoot) {
    super(context_id, root_context);
  }

  onRequestHeaders(a: u32, end_of_stream: bool): FilterHeadersStatusValues {
    const path = String.UTF8.decode(get_property("request.path"));
    if (path == "/body") return FilterHeadersStatusValues.StopIteration;
    const key = "compat";
    const before = get_shared_data(key);
    const written = set_shared_data(key, String.UTF8.encode("value"), before.cas);
    const again = get_shared_data(key);
    const raced = set_shared_data(key, String.UTF8.encode("lost"), again.cas + 1);
    counter.increment(2);
    const gauge = new Gauge("compat_gauge");
    gauge.record(gauge.metric_id, 9);
    gauge.increment(-4);
    const histogram = new Histogram("compat_histogram");
    histogram.record(histogram.metric_id, 3);
    const same = define_metric(MetricTypeValues.Counter, "compat_counter");
    const token = resolve_shared_queue("", "compat");
    enqueue_shared_queue(token.token, String.UTF8.encode("queued"));
    set_property("compat_key", String.UTF8.encode("kept"));
    const root = this.root_context as DataRoot;
    const lines: string[] = [
      path,
      get_property("request.nothing").byteLength.toString(),
      String.UTF8.decode(get_property("compat_key")),
      written.toString(),
      String.UTF8.decode(again.value!),
      raced.toString(),
      get_metric(gauge.metric_id).data.toString(),
      (same.metric_id == counter.metric_id).toString(),
      clear_route_cache().toString(),
      histogram.increment(1).toString(),
    ];
    const headers = [
      new HeaderPair(String.UTF8.encode("x-ticks"), String.UTF8.encode(root.ticks.toString())),
      new HeaderPair(String.UTF8.encode("x-queued"), String.UTF8.encode(root.queued)),
      new HeaderPair(
        String.UTF8.encode("x-counter"),
        String.UTF8.encode(get_metric(counter.metric_id).data.toString()),
      ),
    ];
    send_local_response(200, "data", String.UTF8.encode(lines.join("|")), headers, GrpcStatusValues.Ok);
    return FilterHeadersStatusValues.StopIteration;
  }

  onRequestBody(body_buffer_length: usize, end_of_stream: bool): FilterDataStatusValues {
    if (!end_of_stream) return FilterDataStatusValues.StopIterationAndBuffer;
    const body = get_buffer_bytes(BufferTypeValues.HttpRequestBody, 0, body_buffer_length as u32);
    stream_context.headers.request.replace("x-body", String.UTF8.decode(body));
    return FilterDataStatusValues.Continue;
  }
}

registerRootContext((context_id: u32) => {
  return new DataRoot(context_id);
}, "data");
