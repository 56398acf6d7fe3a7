import { createHash } from "node:crypto";
import type { Content } from "./subscription.js";

const BYTES = 20;

/**
 * A version of a set of resources, from their names and versions whatever their order; adding and taking away one costs
 * one hash. Equal sets have equal versions on every replica.
 */
export class VersionSum {
  readonly #sum = Buffer.alloc(BYTES);

  /** Adds a resource that is not in the set, or takes away one that is. */
  toggle(name: string, { version }: Pick<Content, "version">): void {
    const hash = createHash("sha256").update(`${name}\n${version}`).digest();
    for (let i = 0; i < BYTES; i++) this.#sum[i] = (this.#sum[i] ?? 0) ^ (hash[i] ?? 0);
  }

  toString(): string {
    return this.#sum.toString("hex");
  }
}
