import { RegistryError, type RegistryErrorCode } from "./error.js";
import type { Repository } from "./reference.js";

/** A mirror that has something else under a digest is broken, and the user should hear of it. */
const FATAL: readonly RegistryErrorCode[] = ["digest-mismatch", "invalid-reference"];

/**
 * Asks the mirrors in their order, then the registry itself. What the registry says counts: its error is the one that
 * is thrown, with what the mirrors said as a hint.
 */
export async function tryMirrors<T extends Repository, R>(
  mirrors: readonly string[],
  place: T,
  ask: { readonly mirror: (at: T) => Promise<R>; readonly registry: () => Promise<R> },
): Promise<R> {
  const said: string[] = [];
  for (const registry of mirrors) {
    try {
      return await ask.mirror({ ...place, registry });
    } catch (error) {
      if (!(error instanceof RegistryError) || FATAL.includes(error.code)) throw error;
      said.push(`mirror ${registry}: ${error.message}`);
    }
  }
  try {
    return await ask.registry();
  } catch (error) {
    if (!(error instanceof RegistryError) || said.length === 0) throw error;
    throw error.hinting([error.hint, ...said].filter((text) => text !== undefined).join("; "));
  }
}
