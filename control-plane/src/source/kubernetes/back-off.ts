const BASE_MS = 500;
const MAX_MS = 15_000;

/**
 * How long to wait after so many failures in a row: doubling, with jitter between half and all of it, so that the clients of
 * a server that comes back do not come at once.
 */
export function backOffMs(failures: number, random: () => number): number {
  const full = Math.min(MAX_MS, BASE_MS * 2 ** Math.min(failures - 1, 10));
  return full * (0.5 + random() / 2);
}
