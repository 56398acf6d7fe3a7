import { resultWord } from "../abi/result";
import { clock_time_get } from "../abi/wasi_snapshot_preview1";

const REALTIME = 0;
const MONOTONIC = 1;

function read(clock: i32): u64 {
  return clock_time_get(clock, 1, resultWord) == 0 ? load<u64>(resultWord) : 0;
}

export function realtime(): u64 {
  return read(REALTIME);
}

export function monotonic(): u64 {
  return read(MONOTONIC);
}
