import { proxy_get_property, proxy_set_property } from "../abi/env";
import { clear, pointer, resultPointer, resultSize, size } from "../abi/result";
import { copyBytes, decode, encode, encodedSize, encodePath } from "../abi/text";
import { deserialize } from "./pairs";
import { Status } from "./status";

/** Fetches an attribute to where `pointer` and `size` say. */
export function fetchProperty(path: string): bool {
  const bytes = encodePath(path);
  clear();
  return proxy_get_property(bytes, encodedSize, resultPointer, resultSize) == Status.Ok;
}

export function stringProperty(path: string): string | null {
  return fetchProperty(path) ? decode(pointer(), size()) : null;
}

/** Integers, timestamps and durations (nanoseconds): 8 bytes, little endian. */
export function integerProperty(path: string, fallback: i64): i64 {
  return fetchProperty(path) && size() == 8 ? load<i64>(pointer()) : fallback;
}

export function numberProperty(path: string, fallback: f64): f64 {
  return fetchProperty(path) && size() == 8 ? load<f64>(pointer()) : fallback;
}

export function booleanProperty(path: string, fallback: bool): bool {
  return fetchProperty(path) && size() == 1 ? load<u8>(pointer()) != 0 : fallback;
}

export function bytesProperty(path: string): ArrayBuffer | null {
  return fetchProperty(path) ? copyBytes(pointer(), size()) : null;
}

/** Names and values in turn; a list has names only, its values are empty. */
export function entriesProperty(path: string): string[] | null {
  return fetchProperty(path) ? deserialize(pointer(), size()) : null;
}

/** The key is taken verbatim: Envoy stores it as filter state `wasm.<key>`. */
export function writeProperty(key: string, value: string): Status {
  const name = encode(key);
  const nameSize = encodedSize;
  const text = encode(value);
  return <Status>proxy_set_property(name, nameSize, text, encodedSize);
}

export function writePropertyBytes(key: string, value: ArrayBuffer): Status {
  const name = encode(key);
  return <Status>proxy_set_property(name, encodedSize, changetype<usize>(value), <usize>value.byteLength);
}
