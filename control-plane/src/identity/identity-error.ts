/**
 * `damaged`: a file cannot be used as it is. `exposed`: others can read a secret. `trust-domain`: not a trust domain.
 * `root-key`: the root's key is kept elsewhere. `io`: the file system refused.
 */
export type IdentityErrorCode = "damaged" | "exposed" | "trust-domain" | "root-key" | "io";

/** The folder of a certificate authority cannot be used. Branch on `code`, never on `message`. */
export class IdentityError extends Error {
  override readonly name = "IdentityError";
  readonly code: IdentityErrorCode;

  constructor(code: IdentityErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
