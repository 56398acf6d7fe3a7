/** What was allowed lately. */
export interface Grants {
  has(grant: string): boolean;
  add(grant: string): void;
}

/** For so long a registry is not asked again. */
const TTL_MS = 60 * 60 * 1000;
const MAX_GRANTS = 10_000;

export function createGrants(ttlMs = TTL_MS, now: () => number = Date.now): Grants {
  const expiresAtMs = new Map<string, number>();
  return {
    has: (grant) => (expiresAtMs.get(grant) ?? 0) > now(),
    add(grant) {
      expiresAtMs.delete(grant);
      expiresAtMs.set(grant, now() + ttlMs);
      const [oldest] = expiresAtMs.keys();
      if (expiresAtMs.size > MAX_GRANTS && oldest !== undefined) expiresAtMs.delete(oldest);
    },
  };
}
