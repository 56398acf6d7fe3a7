import { proxy_get_log_level, proxy_log } from "../abi/env";
import { resultWord } from "../abi/result";
import { encode, encodedSize } from "../abi/text";

/** How urgent a message is. Envoy writes those of its own level and above. */
export enum LogLevel {
  Trace = 0,
  Debug = 1,
  Info = 2,
  Warn = 3,
  Error = 4,
  Critical = 5,
}

let threshold: i32 = LogLevel.Trace;

/** Asks the host which levels it writes. Called on configuration and on ticks: a host call per message is dearer. */
export function refreshLogLevel(): void {
  if (proxy_get_log_level(resultWord) == 0) threshold = load<i32>(resultWord);
}

export function logEnabled(level: LogLevel): bool {
  return level >= threshold;
}

export function writeLog(level: LogLevel, message: string): void {
  if (level < threshold) return;
  const text = encode(message);
  proxy_log(level, text, encodedSize);
}
