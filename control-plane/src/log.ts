/** Where the control plane says what happens. Fields are for machines, the message is for people. */
export interface Logger {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export type LogFormat = "text" | "json";

/** Writes a line an event: JSON, or text as `12:34:56 warn  message key=value`. */
export function createLogger(format: LogFormat, write: (line: string) => void): Logger {
  const log =
    (level: "info" | "warn" | "error") =>
    (message: string, given: Readonly<Record<string, unknown>> = {}) => {
      const fields = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, legible(value)]));
      const time = new Date().toISOString();
      if (format === "json") write(`${JSON.stringify({ ...fields, time, level, message })}\n`);
      else write(`${time.slice(11, 19)} ${level.padEnd(5)} ${message}${formatFields(fields)}\n`);
    };
  return { info: log("info"), warn: log("warn"), error: log("error") };
}

function formatFields(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) => ` ${key}=${typeof value === "string" && !/[\s"]/.test(value) ? value : JSON.stringify(value)}`,
    )
    .join("");
}

/** JSON makes nothing of an Error. */
function legible(value: unknown): unknown {
  return value instanceof Error ? (value.stack ?? value.message) : value;
}
