import { createHash } from "node:crypto";

/**
 * Algorithms that we compute, with the length of their encoded part.
 * https://github.com/opencontainers/image-spec/blob/main/descriptor.md#registered-algorithms
 */
const HEX_LENGTH = { sha256: 64, sha512: 128 } as const;

export type DigestAlgorithm = keyof typeof HEX_LENGTH;

export interface ParsedDigest {
  readonly algorithm: DigestAlgorithm;
  /** Lower-case hexadecimal digits. */
  readonly hex: string;
}

/** A hash that is fed piece by piece. */
export interface Digester {
  update(chunk: Uint8Array): void;
  /** The digest of all that was fed. Call it once. */
  digest(): string;
}

/** Whether digests of this algorithm can be computed here. */
export function isDigestAlgorithm(text: string): text is DigestAlgorithm {
  return Object.hasOwn(HEX_LENGTH, text);
}

/** The parts of a `sha256:…` or `sha512:…` digest, or undefined for anything else. */
export function parseDigest(text: string): ParsedDigest | undefined {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, Math.max(colon, 0));
  const hex = text.slice(colon + 1);
  if (!isDigestAlgorithm(algorithm) || hex.length !== HEX_LENGTH[algorithm] || !/^[0-9a-f]+$/.test(hex))
    return undefined;
  return { algorithm, hex };
}

export function isDigest(text: string): boolean {
  return parseDigest(text) !== undefined;
}

export function createDigester(algorithm: DigestAlgorithm = "sha256"): Digester {
  const hash = createHash(algorithm);
  return {
    update(chunk) {
      hash.update(chunk);
    },
    digest: () => `${algorithm}:${hash.digest("hex")}`,
  };
}

/** The digest of `bytes`, for example `sha256:2c26…`. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): string {
  const digester = createDigester(algorithm);
  digester.update(bytes);
  return digester.digest();
}

/** Whether `bytes` have this digest. False for a digest that cannot be computed here. */
export function hasDigest(bytes: Uint8Array, digest: string): boolean {
  const parsed = parseDigest(digest);
  return parsed !== undefined && digestOf(bytes, parsed.algorithm) === digest;
}
