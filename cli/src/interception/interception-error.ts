/**
 * `no-permission`: the process may not change rules. `no-iptables`: a program is missing. `refused`: a program did not
 * take the rules, or did not answer. `not-in-force`: the rules were written, and are not there.
 */
export type InterceptionErrorCode = "no-permission" | "no-iptables" | "refused" | "not-in-force";

/** The rules of a namespace cannot be read or written. Branch on `code`, never on `message`. */
export class InterceptionError extends Error {
  override readonly name = "InterceptionError";
  readonly code: InterceptionErrorCode;
  /** What to do. */
  readonly hint?: string;

  constructor(code: InterceptionErrorCode, message: string, hint?: string) {
    super(message);
    this.code = code;
    if (hint !== undefined) this.hint = hint;
  }
}
