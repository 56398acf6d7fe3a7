/*
 * What AssemblyScript's runtime expects of its host and Envoy does not have: abort, seed, trace (asc --use).
 */
import { append, appendNumber, begin, write } from "./report";
import { random_get } from "./wasi_snapshot_preview1";

const CRITICAL = 5;
const DEBUG = 1;
const word: usize = memory.data(8, 8);

/** Every trap that has a message ends here: it goes to Envoy's log with file and line. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  begin();
  append("trap at ");
  if (file !== null) append(file);
  append(":");
  appendNumber(line);
  append(":");
  appendNumber(column);
  append(": ");
  append(message === null ? "no message" : message);
  write(CRITICAL);
  unreachable();
}

/** The seed of Math.random. */
export function seed(): f64 {
  store<u64>(word, 0);
  random_get(word, 8);
  return reinterpret<f64>((load<u64>(word) >>> 12) | 0x3ff0000000000000);
}

/** AssemblyScript's trace(): its text only, at level debug. */
export function trace(
  message: string,
  n: i32 = 0,
  a0: f64 = 0,
  a1: f64 = 0,
  a2: f64 = 0,
  a3: f64 = 0,
  a4: f64 = 0,
): void {
  begin();
  append(message);
  write(DEBUG);
}
