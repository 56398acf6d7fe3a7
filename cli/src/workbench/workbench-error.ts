export type WorkbenchErrorCode =
  /** A name that cannot be a plugin's. */
  | "bad-name"
  /** There is something already where something new is to be made. */
  | "not-empty"
  /** The value of an option cannot be used. */
  | "bad-option"
  /** A configuration file cannot be read, or is no JSON. */
  | "bad-config"
  /** There is no such file, and no such image can be meant. */
  | "not-found"
  /** A file is larger than it may be. */
  | "too-large"
  /** The folder has no build to look at. */
  | "not-built"
  /** A program or package that is needed is not there. */
  | "setup-missing"
  /** Envoy does not start, or ends. */
  | "envoy-failed";

/** A command about plugins cannot do what it was asked to. The message says what to do. */
export class WorkbenchError extends Error {
  override readonly name = "WorkbenchError";
  readonly code: WorkbenchErrorCode;

  constructor(code: WorkbenchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
