/** Results of host functions. https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1 */
export const Status = {
  Ok: 0,
  NotFound: 1,
  BadArgument: 2,
  SerializationFailure: 3,
  ParseFailure: 4,
  InvalidMemoryAccess: 6,
  Empty: 7,
  CasMismatch: 8,
  InternalFailure: 10,
  BrokenConnection: 11,
  Unimplemented: 12,
} as const;

/** Results of WASI functions, as far as Envoy gives them. */
export const Errno = {
  Success: 0,
  BadFile: 8,
  Fault: 21,
  NotDirectory: 20,
  Invalid: 28,
  NoEntry: 44,
  NoSystem: 52,
  NotSupported: 58,
  NotCapable: 76,
} as const;

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "critical"] as const;
/** How urgent a log entry is, from least to most. */
export type LogLevel = (typeof LOG_LEVELS)[number];
