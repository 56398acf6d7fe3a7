import { BACK_DATE_MS } from "./authority-material.js";

/** How far from the middle of its life a certificate may be renewed, as a part of that life. */
const JITTER = 0.1;

export interface Validity {
  /** Milliseconds since 1970; certificates of the mesh are dated back by a minute. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/**
 * When a certificate is to be renewed, in milliseconds since 1970: around the middle of its life, so that workloads which
 * started together don't ask together. `chance`, 0 to 1, is drawn once for each certificate.
 */
export function renewalTime(validity: Validity, chance: number): number {
  return validity.notAfterMs - lifeMs(validity) * (0.5 + JITTER * (1 - 2 * chance));
}

/** How long a certificate of the mesh was made for. */
export function lifeMs({ notBeforeMs, notAfterMs }: Validity): number {
  return Math.max(0, notAfterMs - notBeforeMs - BACK_DATE_MS);
}
