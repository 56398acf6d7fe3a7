import { proxy_define_metric, proxy_get_metric, proxy_increment_metric, proxy_record_metric } from "../abi/env";
import { resultWord } from "../abi/result";
import { encode, encodedSize } from "../abi/text";
import { Status } from "./status";

export enum MetricType {
  Counter = 0,
  Gauge = 1,
  Histogram = 2,
}

/** No metric has this id: definitions that failed. */
export const NO_METRIC: u32 = u32.MAX_VALUE;

/* The host gives a new id at every definition and never forgets one, so a name is defined once. A plugin has few. */
const names: string[] = [];
const ids: u32[] = [];

export function defineMetric(type: MetricType, name: string): u32 {
  const key = type.toString() + name;
  const known = names.indexOf(key);
  if (known >= 0) return ids[known];
  const text = encode(name);
  const status = proxy_define_metric(type, text, encodedSize, resultWord);
  const id = status == Status.Ok ? load<u32>(resultWord) : NO_METRIC;
  names.push(key);
  ids.push(id);
  return id;
}

export function incrementMetric(id: u32, delta: i64): Status {
  return <Status>proxy_increment_metric(id, delta);
}

export function recordMetric(id: u32, value: u64): Status {
  return <Status>proxy_record_metric(id, value);
}

export function readMetric(id: u32): u64 {
  return proxy_get_metric(id, resultWord) == Status.Ok ? load<u64>(resultWord) : 0;
}
