/*
 * What AssemblyScript's runtime expects of its host and Envoy does not have: abort, seed, trace (asc --use).
 */
import { proxy_log } from "./env";
import { random_get } from "./wasi_snapshot_preview1";

const CRITICAL = 5;
const DEBUG = 1;
const CAPACITY: usize = 2048;
const RESERVE: usize = 64;
const LONGEST_FILE = 160;
const buffer: usize = memory.data(2048);
const word: usize = memory.data(8, 8);

/* No allocation: a trap may be the heap's own. No variables: these run before any module's top level has. */
function append(end: usize, text: string, limit: i32): usize {
  const room = <i32>((CAPACITY - RESERVE - end) / 3);
  const length = min(min(text.length, limit), room);
  return length > 0 ? end + String.UTF8.encodeUnsafe(changetype<usize>(text), length, buffer + end) : end;
}

function appendNumber(end: usize, value: u32): usize {
  let divisor: u32 = 1;
  while (value / divisor >= 10) divisor *= 10;
  for (; divisor > 0; divisor /= 10) store<u8>(buffer + end++, <u8>(48 + ((value / divisor) % 10)));
  return end;
}

/** Every trap that has a message ends here: it goes to Envoy's log with file and line. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  let end = append(0, "trap at ", i32.MAX_VALUE);
  end = append(end, file === null ? "unknown file" : file, LONGEST_FILE);
  end = append(end, ":", 1);
  end = appendNumber(end, line);
  end = append(end, ":", 1);
  end = appendNumber(end, column);
  end = append(end, ": ", 2);
  end = append(end, message === null ? "no message" : message, i32.MAX_VALUE);
  proxy_log(CRITICAL, buffer, end);
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
  proxy_log(DEBUG, buffer, append(0, message, i32.MAX_VALUE));
}
