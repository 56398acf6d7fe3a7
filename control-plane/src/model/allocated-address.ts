import { compareStrings } from "./compare.js";

/** Addresses that nobody has: reserved for a use that never came. https://www.rfc-editor.org/rfc/rfc1112#section-4 */
export const ALLOCATED_RANGE = "240.240.0.0/16";

/** Without the first and the last address of the range. */
export const MAX_ALLOCATED = 65_534;

/**
 * Gives each host an address of {@link ALLOCATED_RANGE}, for entries that name none: sidecars answer DNS with it, and
 * listen there. The same hosts always have the same addresses, no two share one, and a host that comes or goes moves
 * only those that wanted the same place. Hosts beyond {@link MAX_ALLOCATED}, last in their order, have none.
 */
export function allocateAddresses(hosts: Iterable<string>): ReadonlyMap<string, string> {
  const sorted = [...new Set(hosts)].sort(compareStrings).slice(0, MAX_ALLOCATED);
  const taken = new Set<number>();
  const addresses = new Map<string, string>();
  for (const host of sorted) {
    let place = hashOf(host) % MAX_ALLOCATED;
    while (taken.has(place)) place = (place + 1) % MAX_ALLOCATED;
    taken.add(place);
    const number = place + 1;
    addresses.set(host, `240.240.${number >> 8}.${number & 0xff}`);
  }
  return addresses;
}

/** FNV-1a with a last mix, so that hosts that differ at their end are far apart. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 12)) >>> 0;
}
