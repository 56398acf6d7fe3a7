import { proxy_get_property, proxy_set_property } from "../abi/env";
import { clear, pointer, resultPointer, resultSize, size } from "../abi/result";
import { decode, encode, encodedSize } from "../abi/text";
import { Status } from "./status";

const DOT: u8 = 46;

/* "a.b" names segment b of a; a path that has NULs already (properties.path) is taken as it is. */
function encodePath(path: string): usize {
  const bytes = encode(path);
  for (let i: usize = 0; i < encodedSize; i++) if (load<u8>(bytes + i) == 0) return bytes;
  for (let i: usize = 0; i < encodedSize; i++) if (load<u8>(bytes + i) == DOT) store<u8>(bytes + i, 0);
  return bytes;
}

function read(path: string): Status {
  const bytes = encodePath(path);
  clear();
  return <Status>proxy_get_property(bytes, encodedSize, resultPointer, resultSize);
}

export function stringProperty(path: string): string | null {
  return read(path) == Status.Ok ? decode(pointer(), size()) : null;
}

/** Integers, timestamps and durations (nanoseconds): 8 bytes, little endian. */
export function integerProperty(path: string, fallback: i64): i64 {
  return read(path) == Status.Ok && size() == 8 ? load<i64>(pointer()) : fallback;
}

export function numberProperty(path: string, fallback: f64): f64 {
  return read(path) == Status.Ok && size() == 8 ? load<f64>(pointer()) : fallback;
}

export function booleanProperty(path: string, fallback: bool): bool {
  return read(path) == Status.Ok && size() == 1 ? load<u8>(pointer()) != 0 : fallback;
}

export function bytesProperty(path: string): ArrayBuffer | null {
  if (read(path) != Status.Ok) return null;
  const length = size();
  const bytes = new ArrayBuffer(<i32>length);
  memory.copy(changetype<usize>(bytes), pointer(), length);
  return bytes;
}

export function hasProperty(path: string): bool {
  return read(path) == Status.Ok;
}

/** The key is taken verbatim: Envoy stores it as filter state `wasm.<key>`. */
export function writeProperty(key: string, value: string): Status {
  const name = encode(key);
  const nameSize = encodedSize;
  const text = encode(value);
  return <Status>proxy_set_property(name, nameSize, text, encodedSize);
}
