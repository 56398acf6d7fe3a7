import { LogLevel, logEnabled, writeLog } from "./host/log";

/**
 * Envoy's log, component `wasm`. A message below Envoy's level costs no call; what it was built from does.
 *
 * ```ts
 * function report(headers: Headers): void {
 *   if (!log.enabled(LogLevel.Debug)) return;
 *   const pairs = headers.pairs();
 *   for (let i = 0; i < pairs.length; i++) log.debug(pairs[i].name);
 * }
 * ```
 */
@unmanaged
export class Log {
  /** Whether a message of this level is written: ask before building a dear one. */
  enabled(level: LogLevel): bool {
    return logEnabled(level);
  }

  /** Writes a message of level trace. */
  trace(message: string): void {
    writeLog(LogLevel.Trace, message);
  }

  /** Writes a message of level debug. */
  debug(message: string): void {
    writeLog(LogLevel.Debug, message);
  }

  /** Writes a message of level info. */
  info(message: string): void {
    writeLog(LogLevel.Info, message);
  }

  /** Writes a message of level warn. */
  warn(message: string): void {
    writeLog(LogLevel.Warn, message);
  }

  /** Writes a message of level error. */
  error(message: string): void {
    writeLog(LogLevel.Error, message);
  }

  /** Writes a message of level critical. */
  critical(message: string): void {
    writeLog(LogLevel.Critical, message);
  }
}

/* It has no state. */
export const log = changetype<Log>(0);
