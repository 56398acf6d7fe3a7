import { createHash, randomBytes } from "node:crypto";
import type { Result } from "./result.js";

/**
 * What an operator hands to a workload's machine: `weft1.<id>.<secret>.<fingerprint>`. The fingerprint of the mesh's root
 * lets that machine know the control plane before it trusts anybody.
 */
export interface EnrolmentToken {
  readonly id: string;
  /** Base64url of 32 random bytes. Never logged, and not kept: the control plane has a hash of it. */
  readonly secret: string;
  /** SHA-256 of the root, as hexadecimal digits. */
  readonly fingerprint: string;
}

const FORM = /^weft1\.([0-9a-f]{16})\.([A-Za-z0-9_-]{43})\.([0-9a-f]{64})$/;
const MAX_LENGTH = 256;

export function createToken(fingerprint: string): EnrolmentToken {
  return { id: randomBytes(8).toString("hex"), secret: randomBytes(32).toString("base64url"), fingerprint };
}

export function formatToken({ id, secret, fingerprint }: EnrolmentToken): string {
  return `weft1.${id}.${secret}.${fingerprint}`;
}

/** The message never quotes what was given: it may be a token with a mistake in it. */
export function parseToken(text: string): Result<EnrolmentToken> {
  const parts = text.length <= MAX_LENGTH ? FORM.exec(text.trim()) : null;
  if (parts === null)
    return { ok: false, message: "this is no token: weft identity token prints one, which begins with weft1." };
  const [, id = "", secret = "", fingerprint = ""] = parts;
  return { ok: true, value: { id, secret, fingerprint } };
}

/** What is kept of a secret. It has 256 random bits, so that a plain hash is as good as a slow one. */
export function hashSecret(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
