import { timingSafeEqual } from "node:crypto";
import { compareStrings } from "../model/compare.js";
import { readIfThere, writeAtomic } from "./atomic-file.js";
import { createToken, type EnrolmentToken, formatToken, hashSecret } from "./enrolment-token.js";
import { IdentityError } from "./identity-error.js";
import type { Result } from "./result.js";

/** Whom a token enrols. */
export interface TokenSubject {
  readonly namespace: string;
  readonly workload: string;
  readonly serviceAccount: string;
}

/** What is kept of a token: enough to know it again, not enough to use it. */
interface StoredToken extends TokenSubject {
  readonly id: string;
  /** Hexadecimal digits of the secret's SHA-256. */
  readonly secretHash: string;
  readonly expiresAtMs: number;
  readonly usedAtMs?: number;
}

/** The one-time tokens of a mesh. What was used stays used across restarts. */
export interface TokenStore {
  /** Resolves with the token's text, which is nowhere else, once it would not be forgotten. */
  create(
    subject: TokenSubject,
    lifetime: { readonly ttlMs: number; readonly nowMs: number },
    fingerprint: string,
  ): Promise<Result<string>>;
  /** Whom the token is for, if it can be used now. */
  verify(token: EnrolmentToken, nowMs: number): Result<TokenSubject>;
  /** Uses a token up. False when somebody was quicker. Resolves when it would not be forgotten. */
  use(id: string, nowMs: number): Promise<boolean>;
}

const MAX_TOKENS = 10_000;
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** Kept for so long after their end, to be able to say what is wrong with them. */
const KEEP_MS = 24 * 60 * 60 * 1000;
/** Compared with when there is no such token, so that an answer takes equally long. */
const NOBODYS_HASH = Buffer.alloc(32);

/** @throws IdentityError when the file is there and cannot be read */
export async function loadTokenStore(file: string): Promise<TokenStore> {
  const tokens = await readTokens(file);
  let work: Promise<unknown> = Promise.resolve();
  const write = (): Promise<void> => {
    const written = work.then(() => {
      const list = [...tokens.values()].sort((a, b) => compareStrings(a.id, b.id));
      return writeAtomic(file, `${JSON.stringify(list)}\n`, 0o600);
    });
    work = written.catch(() => undefined);
    return written;
  };
  return {
    async create(subject, { ttlMs, nowMs }, fingerprint) {
      for (const [id, { expiresAtMs }] of tokens) if (expiresAtMs + KEEP_MS <= nowMs) tokens.delete(id);
      if (tokens.size >= MAX_TOKENS)
        return { ok: false, message: `there are ${MAX_TOKENS} tokens already, the limit: wait until some have ended` };
      const token = createToken(fingerprint);
      const secretHash = hashSecret(token.secret).toString("hex");
      tokens.set(token.id, { id: token.id, secretHash, ...subject, expiresAtMs: nowMs + ttlMs });
      await write();
      return { ok: true, value: formatToken(token) };
    },
    verify({ id, secret }, nowMs) {
      const stored = tokens.get(id);
      const expected = stored === undefined ? NOBODYS_HASH : Buffer.from(stored.secretHash, "hex");
      const isRight = timingSafeEqual(hashSecret(secret), expected);
      if (stored === undefined || !isRight) return { ok: false, message: "the mesh does not know this token" };
      if (stored.usedAtMs !== undefined)
        return {
          ok: false,
          message: `the token was used at ${new Date(stored.usedAtMs).toISOString()}: if that was not you, somebody else has the identity of ${stored.namespace}/${stored.workload}; else make another token`,
        };
      if (stored.expiresAtMs <= nowMs)
        return { ok: false, message: `the token ended at ${new Date(stored.expiresAtMs).toISOString()}: make another` };
      const { namespace, workload, serviceAccount } = stored;
      return { ok: true, value: { namespace, workload, serviceAccount } };
    },
    async use(id, nowMs) {
      const stored = tokens.get(id);
      if (stored === undefined || stored.usedAtMs !== undefined) return false;
      tokens.set(id, { ...stored, usedAtMs: nowMs });
      await write();
      return true;
    },
  };
}

async function readTokens(file: string): Promise<Map<string, StoredToken>> {
  const text = await readIfThere(file, MAX_FILE_BYTES);
  if (text === undefined) return new Map();
  try {
    return new Map((JSON.parse(text) as StoredToken[]).map((token) => [token.id, token]));
  } catch (error) {
    throw new IdentityError("damaged", `${file}: is no list of tokens. Remove it: all tokens are then unknown`, {
      cause: error,
    });
  }
}
