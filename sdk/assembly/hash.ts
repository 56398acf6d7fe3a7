/**
 * A stable 64-bit hash of a text's UTF-16 units: FNV-1a, then the finaliser of MurmurHash3, so that all bits are even.
 * It never changes: sticky decisions and shared data depend on it. Not for secrets.
 *
 * ```ts
 * function isInTest(user: string, percent: u64): bool {
 *   return hash64(user) % 100 < percent;
 * }
 * ```
 */
export function hash64(text: string): u64 {
  let hash = ((<u64>0xcbf29ce4) << 32) | 0x84222325;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hash = (hash ^ (unit & 0xff)) * 0x100000001b3;
    hash = (hash ^ (unit >> 8)) * 0x100000001b3;
  }
  hash = (hash ^ (hash >> 33)) * (((<u64>0xff51afd7) << 32) | 0xed558ccd);
  hash = (hash ^ (hash >> 33)) * (((<u64>0xc4ceb9fe) << 32) | 0x1a85ec53);
  return hash ^ (hash >> 33);
}
