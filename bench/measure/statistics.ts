/** The middle of a number of measurements, and how far they are apart. */
export interface Spread {
  median: number;
  /** A quarter of the values is below `low`, a quarter above `high`. */
  low: number;
  high: number;
  count: number;
}

/** Between two values the quantile is interpolated. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError("no values");
  if (values.some((value) => Number.isNaN(value))) throw new RangeError("a value is not a number");
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? 0;
  const above = sorted[Math.ceil(place)] ?? 0;
  return below + (above - below) * (place - Math.floor(place));
}

export function spread(values: readonly number[]): Spread {
  return {
    median: quantile(values, 0.5),
    low: quantile(values, 0.25),
    high: quantile(values, 0.75),
    count: values.length,
  };
}

/** The list from its `by`th element on, then what was before: another first one in every round. */
export function rotated<T>(list: readonly T[], by: number): T[] {
  const start = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
