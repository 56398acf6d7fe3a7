/** What went wrong, for code to branch on. The texts are for people and may change. */
export type RegistryErrorCode =
  | "not-found"
  | "unauthorized"
  | "forbidden"
  | "digest-mismatch"
  | "too-large"
  | "invalid-reference"
  | "invalid-credentials"
  | "invalid-key"
  | "invalid-manifest"
  | "invalid-artifact"
  | "unsupported-artifact"
  | "rate-limited"
  | "unavailable"
  | "timeout"
  | "protocol";

export interface RegistryErrorDetails {
  /** What the user can do about it. */
  readonly hint?: string | undefined;
  /** HTTP status of the answer that failed. */
  readonly status?: number | undefined;
  /** Error code that the registry sent, for example `MANIFEST_UNKNOWN`. */
  readonly registryCode?: string | undefined;
  /** The registry's own words, shortened and without control characters. */
  readonly registryMessage?: string | undefined;
  /** How long the registry asked us to wait. */
  readonly retryAfterMs?: number | undefined;
  /** Whether the same request may succeed later. Default: false. */
  readonly retryable?: boolean | undefined;
  readonly cause?: unknown;
}

/** A failed exchange with a registry, or content from one that cannot be used. Branch on `code`, never on `message`. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
  readonly code: RegistryErrorCode;
  readonly hint: string | undefined;
  readonly status: number | undefined;
  readonly registryCode: string | undefined;
  readonly registryMessage: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly retryable: boolean;

  constructor(code: RegistryErrorCode, message: string, details: RegistryErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.status = details.status;
    this.registryCode = details.registryCode;
    this.registryMessage = details.registryMessage;
    this.retryAfterMs = details.retryAfterMs;
    this.retryable = details.retryable ?? false;
  }

  /** The same error with what it is about at the front of its message, for example a reference. */
  about(subject: string): RegistryError {
    return new RegistryError(this.code, `${subject}: ${this.message}`, { ...this, cause: this });
  }

  /** The same error with another hint. */
  hinting(hint: string): RegistryError {
    return new RegistryError(this.code, this.message, { ...this, hint, cause: this.cause });
  }
}
