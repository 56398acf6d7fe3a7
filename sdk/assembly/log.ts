import { LogLevel, logEnabled, writeLog } from "./host/log";

/** Envoy's log, component `wasm`. */
@unmanaged
export class Log {
  /** Whether a message of this level is written: ask before building a dear one. */
  enabled(level: LogLevel): bool {
    return logEnabled(level);
  }

  trace(message: string): void {
    writeLog(LogLevel.Trace, message);
  }

  debug(message: string): void {
    writeLog(LogLevel.Debug, message);
  }

  info(message: string): void {
    writeLog(LogLevel.Info, message);
  }

  warn(message: string): void {
    writeLog(LogLevel.Warn, message);
  }

  error(message: string): void {
    writeLog(LogLevel.Error, message);
  }

  critical(message: string): void {
    writeLog(LogLevel.Critical, message);
  }
}

/* It has no state. */
export const log = changetype<Log>(0);
