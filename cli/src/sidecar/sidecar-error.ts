/**
 * `port-in-use`: somebody else listens where the sidecar must. `already-running`: another process runs this sidecar.
 * `identity`: a file of the identity cannot be used. `start`: Envoy did not come up. `aborted`: the caller gave up.
 */
export type SidecarErrorCode = "port-in-use" | "already-running" | "identity" | "start" | "aborted";

/** A sidecar cannot run. Branch on `code`, never on `message`. */
export class SidecarError extends Error {
  override readonly name = "SidecarError";
  readonly code: SidecarErrorCode;

  constructor(code: SidecarErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
