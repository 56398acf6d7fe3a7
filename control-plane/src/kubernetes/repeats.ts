const QUIET_MS = 60_000;
const MAX_REMEMBERED = 200;

/**
 * Tells each message once a minute at most: what is tried again every few seconds, for each of twenty kinds, would fill the
 * log with what it says already.
 */
export function withoutRepeats(
  tell: (message: string) => void,
  now: () => number = Date.now,
): (message: string) => void {
  const toldMs = new Map<string, number>();
  return (message) => {
    const last = toldMs.get(message);
    if (last !== undefined && now() - last < QUIET_MS) return;
    // Messages with something ever new in them must not be kept for ever.
    if (toldMs.size >= MAX_REMEMBERED) toldMs.clear();
    toldMs.set(message, now());
    tell(message);
  };
}
