import { type Reader, readString, refuse, show } from "./fields.js";

const UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|h|m|s))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|h|m|s)/g;

/** Envoy and timers of most languages hold this many milliseconds, almost 25 days. */
const MAX_MS = 2 ** 31 - 1;

/** A duration such as `1.5s`, `100ms` or `1m30s`, in milliseconds; zero only where `min` is zero. */
export function readDurationMs(min: 0 | 1 = 1): Reader<number> {
  return (field) => {
    const text = readString(64)(field);
    if (text === undefined) return undefined;
    if (!WHOLE.test(text))
      return refuse(field, "InvalidDuration", `${show(text)} is not a duration`, "write it like 1.5s, 100ms or 1m30s");
    let ms = 0;
    for (const [, amount, unit] of text.matchAll(PART)) ms += Number(amount) * (UNITS_MS[unit ?? ""] ?? 0);
    // Sums of decimal fractions carry an error far below a millisecond.
    const rounded = Math.round(ms);
    if (Math.abs(ms - rounded) > 1e-6)
      return refuse(field, "InvalidDuration", `${show(text)} has parts of a millisecond`, "use whole milliseconds");
    if (rounded < min || rounded > MAX_MS)
      return refuse(field, "OutOfRange", `${show(text)} is out of range`, `use ${min} ms to ${MAX_MS} ms (24 days)`);
    return rounded;
  };
}
