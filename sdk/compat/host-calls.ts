/* Host calls under the names of @solo-io/proxy-runtime. What fails returns its status or something empty; nothing throws. */
import {
  proxy_add_header_map_value,
  proxy_dequeue_shared_queue,
  proxy_enqueue_shared_queue,
  proxy_get_header_map_pairs,
  proxy_get_header_map_size,
  proxy_get_header_map_value,
  proxy_get_metric,
  proxy_get_status,
  proxy_register_shared_queue,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  proxy_resolve_shared_queue,
  proxy_send_local_response,
  proxy_set_header_map_pairs,
} from "../assembly/abi/env";
import { clear, pointer, resultPointer, resultSize, resultWord, size } from "../assembly/abi/result";
import { copyBytes, encode, encodedSize } from "../assembly/abi/text";
import { Buffer, bufferBytes, bufferSize, writeBuffer } from "../assembly/host/buffer";
import { realtime } from "../assembly/host/clock";
import { reportDone, setEffectiveContext } from "../assembly/host/context";
import { callForeign, clearRouteCache, foreignResult } from "../assembly/host/foreign";
import { LogLevel, writeLog } from "../assembly/host/log";
import { defineMetric, incrementMetric, MetricType, NO_METRIC, recordMetric } from "../assembly/host/metric";
import { bytesProperty, writePropertyBytes } from "../assembly/host/property";
import { readShared, sharedVersion, writeShared } from "../assembly/host/shared-data";
import { continueStream, StreamType } from "../assembly/host/stream";
import { setTickPeriod } from "../assembly/host/timer";
import { deserializePairs, pairsSize, serializePairs } from "./pairs";
import {
  BufferTypeValues,
  GrpcStatusValues,
  HeaderMapTypeValues,
  Headers,
  LogLevelValues,
  MetricTypeValues,
  WasmResultValues,
} from "./values";

export function log(level: LogLevelValues, message: string): void {
  writeLog(<LogLevel>level, message);
}

export class StatusWithData {
  status: u32 = 0;
  data: ArrayBuffer = new ArrayBuffer(0);
}

export function get_status(): StatusWithData {
  const result = new StatusWithData();
  clear();
  if (proxy_get_status(resultWord, resultPointer, resultSize) != 0) return result;
  result.status = load<u32>(resultWord);
  result.data = copyBytes(pointer(), size());
  return result;
}

export function set_tick_period_milliseconds(millisecond: u32): void {
  setTickPeriod(millisecond);
}

export function get_current_time_nanoseconds(): u64 {
  return realtime();
}

/** Empty where there is no such property. */
export function get_property(path: string): ArrayBuffer {
  const bytes = bytesProperty(path);
  return bytes === null ? new ArrayBuffer(0) : bytes;
}

export function set_property(path: string, data: ArrayBuffer): WasmResultValues {
  return <WasmResultValues>(<i32>writePropertyBytes(path, data));
}

export function continue_request(): WasmResultValues {
  return <WasmResultValues>(<i32>continueStream(StreamType.Request));
}

export function continue_response(): WasmResultValues {
  return <WasmResultValues>(<i32>continueStream(StreamType.Response));
}

export function clear_route_cache(): WasmResultValues {
  return <WasmResultValues>(<i32>clearRouteCache());
}

export function done(): WasmResultValues {
  return <WasmResultValues>(<i32>reportDone());
}

export function proxy_set_effective_context(id: u32): WasmResultValues {
  return <WasmResultValues>(<i32>setEffectiveContext(id));
}

/** Empty where the function is not there or fails. */
export function call_foreign_function(name: string, argument: string): ArrayBuffer {
  const bytes = encode(argument);
  return callForeign(name, bytes, encodedSize) == 0 ? foreignResult() : new ArrayBuffer(0);
}

export function send_local_response(
  response_code: u32,
  response_code_details: string,
  body: ArrayBuffer,
  additional_headers: Headers,
  grpc_status: GrpcStatusValues,
): WasmResultValues {
  const details = encode(response_code_details);
  const detailsSize = encodedSize;
  const pairs = serializePairs(additional_headers);
  const data = changetype<usize>(body);
  // Their own name for no status is that of the ABI.
  return proxy_send_local_response(
    response_code,
    details,
    detailsSize,
    data,
    body.byteLength,
    pairs,
    pairsSize,
    grpc_status,
  );
}

export class GetSharedData {
  result: WasmResultValues = WasmResultValues.NotFound;
  value: ArrayBuffer | null = null;
  cas: u32 = 0;
}

export function get_shared_data(key: string): GetSharedData {
  const found = new GetSharedData();
  found.value = readShared(key);
  found.cas = sharedVersion;
  if (found.value !== null) found.result = WasmResultValues.Ok;
  return found;
}

/** `cas` 0 overwrites. */
export function set_shared_data(key: string, value: ArrayBuffer, cas: u32 = 0): WasmResultValues {
  return <WasmResultValues>(<i32>writeShared(key, value, cas));
}

export class TokenSharedQueueResult {
  result: WasmResultValues = WasmResultValues.NotFound;
  token: u32 = 0;
}

export function register_shared_queue(queue_name: string): TokenSharedQueueResult {
  const name = encode(queue_name);
  return tokenResult(proxy_register_shared_queue(name, encodedSize, resultWord));
}

export function resolve_shared_queue(vm_id: string, queue_name: string): TokenSharedQueueResult {
  const vm = encode(vm_id);
  const vmSize = encodedSize;
  const name = encode(queue_name);
  return tokenResult(proxy_resolve_shared_queue(vm, vmSize, name, encodedSize, resultWord));
}

function tokenResult(status: i32): TokenSharedQueueResult {
  const result = new TokenSharedQueueResult();
  result.result = status;
  if (status == 0) result.token = load<u32>(resultWord);
  return result;
}

export class DequeueSharedQueueResult {
  result: WasmResultValues = WasmResultValues.Empty;
  data: ArrayBuffer | null = null;
}

export function dequeue_shared_queue(token: u32): DequeueSharedQueueResult {
  const result = new DequeueSharedQueueResult();
  clear();
  result.result = proxy_dequeue_shared_queue(token, resultPointer, resultSize);
  if (result.result == WasmResultValues.Ok) result.data = copyBytes(pointer(), size());
  return result;
}

export function enqueue_shared_queue(token: u32, data: ArrayBuffer): WasmResultValues {
  return proxy_enqueue_shared_queue(token, changetype<usize>(data), data.byteLength);
}

export function add_header_map_value(typ: HeaderMapTypeValues, key: ArrayBuffer, value: ArrayBuffer): WasmResultValues {
  const data = changetype<usize>(value);
  return proxy_add_header_map_value(typ, changetype<usize>(key), key.byteLength, data, value.byteLength);
}

export function add_header_map_value_string(typ: HeaderMapTypeValues, key: string, value: string): WasmResultValues {
  return add_header_map_value(typ, String.UTF8.encode(key), String.UTF8.encode(value));
}

/** Empty where there is none. */
export function get_header_map_value(typ: HeaderMapTypeValues, key: ArrayBuffer): ArrayBuffer {
  clear();
  const status = proxy_get_header_map_value(typ, changetype<usize>(key), key.byteLength, resultPointer, resultSize);
  return status == 0 ? copyBytes(pointer(), size()) : new ArrayBuffer(0);
}

export function get_header_map_value_string(typ: HeaderMapTypeValues, key: string): string {
  return String.UTF8.decode(get_header_map_value(typ, String.UTF8.encode(key)));
}

export function get_header_map_pairs(typ: HeaderMapTypeValues): Headers {
  clear();
  return proxy_get_header_map_pairs(typ, resultPointer, resultSize) == 0 ? deserializePairs(pointer(), size()) : [];
}

export function set_header_map_pairs(typ: HeaderMapTypeValues, headers: Headers): void {
  const pairs = serializePairs(headers);
  proxy_set_header_map_pairs(typ, pairs, pairsSize);
}

export function replace_header_map_value(typ: HeaderMapTypeValues, key: ArrayBuffer, value: ArrayBuffer): void {
  const data = changetype<usize>(value);
  proxy_replace_header_map_value(typ, changetype<usize>(key), key.byteLength, data, value.byteLength);
}

export function replace_header_map_value_string(typ: HeaderMapTypeValues, key: string, value: string): void {
  replace_header_map_value(typ, String.UTF8.encode(key), String.UTF8.encode(value));
}

export function remove_header_map_value(typ: HeaderMapTypeValues, key: ArrayBuffer): void {
  proxy_remove_header_map_value(typ, changetype<usize>(key), key.byteLength);
}

export function remove_header_map_value_string(typ: HeaderMapTypeValues, key: string): void {
  remove_header_map_value(typ, String.UTF8.encode(key));
}

export function get_header_map_size(typ: HeaderMapTypeValues): usize {
  return proxy_get_header_map_size(typ, resultSize) == 0 ? size() : 0;
}

/** Empty where there is no such buffer. */
export function get_buffer_bytes(typ: BufferTypeValues, start: u32, length: u32): ArrayBuffer {
  const bytes = bufferBytes(<Buffer>(<i32>typ), start, length);
  return bytes === null ? new ArrayBuffer(0) : bytes;
}

export function set_buffer_bytes(typ: BufferTypeValues, start: u32, length: u32, value: ArrayBuffer): WasmResultValues {
  return <WasmResultValues>(<i32>writeBuffer(<Buffer>(<i32>typ), start, length, value));
}

export class BufferStatusResult {
  result: WasmResultValues = WasmResultValues.Ok;
  length: usize = 0;
  flags: u32 = 0;
}

export function get_buffer_status(typ: BufferTypeValues): BufferStatusResult {
  const result = new BufferStatusResult();
  result.length = bufferSize(<Buffer>(<i32>typ));
  return result;
}

export class MetricResult {
  result: WasmResultValues = WasmResultValues.Ok;
  metric_id: u32 = 0;
}

/** A name that was defined before has the same metric. */
export function define_metric(typ: MetricTypeValues, name: string): MetricResult {
  const result = new MetricResult();
  result.metric_id = defineMetric(<MetricType>(<i32>typ), name);
  if (result.metric_id == NO_METRIC) result.result = WasmResultValues.BadArgument;
  return result;
}

export function increment_metric(metric_id: u32, offset: i64): WasmResultValues {
  return <WasmResultValues>(<i32>incrementMetric(metric_id, offset));
}

export function record_metric(metric_id: u32, value: u64): WasmResultValues {
  return <WasmResultValues>(<i32>recordMetric(metric_id, value));
}

export class MetricData {
  result: WasmResultValues = WasmResultValues.Ok;
  data: u64 = 0;
}

export function get_metric(metric_id: u32): MetricData {
  const metric = new MetricData();
  metric.result = proxy_get_metric(metric_id, resultWord);
  if (metric.result == WasmResultValues.Ok) metric.data = load<u64>(resultWord);
  return metric;
}

abstract class Metric {
  private id: u32 = 0;

  constructor(
    private readonly typ: MetricTypeValues,
    private readonly name: string,
  ) {}

  /** Defined at its first use: a metric may be made at the top level of a module. */
  get metric_id(): u32 {
    if (this.id == 0) this.id = define_metric(this.typ, this.name).metric_id + 1;
    return this.id - 1;
  }

  protected put(first: u64, second: u64): WasmResultValues {
    return record_metric(this.metric_id, second == ABSENT ? first : second);
  }
}

const ABSENT: u64 = u64.MAX_VALUE;

export class Gauge extends Metric {
  constructor(name: string) {
    super(MetricTypeValues.Gauge, name);
  }

  increment(offset: i64): WasmResultValues {
    return increment_metric(this.metric_id, offset);
  }

  /** `record(value)`; `record(metric_id, value)` is the older form. */
  record(first: u64, second: u64 = ABSENT): WasmResultValues {
    return this.put(first, second);
  }
}

export class Histogram extends Metric {
  constructor(name: string) {
    super(MetricTypeValues.Histogram, name);
  }

  /** A histogram has nothing to increment: BadArgument. */
  increment(offset: i64): WasmResultValues {
    return increment_metric(this.metric_id, offset);
  }

  record(first: u64, second: u64 = ABSENT): WasmResultValues {
    return this.put(first, second);
  }
}

export class Counter extends Metric {
  constructor(name: string) {
    super(MetricTypeValues.Counter, name);
  }

  increment(offset: u32): WasmResultValues {
    return increment_metric(this.metric_id, offset);
  }
}
