/*
 * One line for Envoy's log, put together without the heap: it says why a module traps, which may be the heap's own
 * fault, and why a configuration is refused. Longer lines are cut.
 */
import { proxy_log } from "./env";
import { writeUtf8 } from "./text";

const CAPACITY: usize = 4096;
const line: usize = memory.data(4096);
let used: usize = 0;

export function begin(): void {
  used = 0;
}

export function append(text: string): void {
  const room = <i32>((CAPACITY - used) / 3);
  used += writeUtf8(text, min(text.length, room), line + used);
}

export function appendBytes(bytes: usize, size: usize): void {
  const length = min(size, CAPACITY - used);
  memory.copy(line + used, bytes, length);
  used += length;
}

export function appendNumber(value: u32): void {
  if (CAPACITY - used < 10) return;
  let divisor: u32 = 1;
  while (value / divisor >= 10) divisor *= 10;
  for (; divisor > 0; divisor /= 10) store<u8>(line + used++, <u8>(48 + ((value / divisor) % 10)));
}

export function write(level: i32): void {
  proxy_log(level, line, used);
}
