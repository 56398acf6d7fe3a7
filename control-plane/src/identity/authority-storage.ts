import type { Generations } from "./generations.js";
import type { IssuedCertificates } from "./issued-certificates.js";

/**
 * Where the roots of a mesh are kept, and what must be known of certificates that were given away. Changes are there for
 * the next `load`. All throw an IdentityError that says what to do.
 */
export interface AuthorityStorage {
  /** The roots as they are stored. */
  load(nowMs: number): Promise<Generations>;
  /** Makes a root beside the one that signs. It is trusted from now on, and signs nothing yet. */
  addNext(nowMs: number): Promise<void>;
  /** From now on the next root signs, and the one that did is retiring. */
  signWithNext(nowMs: number): Promise<void>;
  /** The retiring root is trusted no more; its keys are removed. */
  dropRetiring(): Promise<void>;
  /** The next root is given up before it signed anything. */
  dropNext(): Promise<void>;
  /** A new intermediate for the root that signs. */
  renewSigning(nowMs: number): Promise<void>;
  readonly issued: IssuedCertificates;
}
