const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** `3d 4h`, `12m 5s`, `0s`: the two largest units. Never negative, because clocks differ. */
export function duration(ms: number): string {
  let rest = Math.max(0, Math.floor(ms / 1000)) * 1000;
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const number = Math.floor(rest / size);
    rest -= number * size;
    if (number > 0) parts.push(`${number}${unit}`);
    // The next smaller unit says nothing after a gap.
    else if (parts.length > 0) break;
  }
  return parts.slice(0, 2).join(" ") || "0s";
}
