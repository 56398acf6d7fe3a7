export type MeshErrorCode =
  | "folder-missing"
  | "already-running"
  | "port-in-use"
  | "control-plane-failed"
  | "no-rollout"
  /** The folder has no such workload, or what is given names none. */
  | "no-workload"
  /** A proxy's admin API does not answer as Envoy's does. */
  | "proxy-unreachable"
  | "setup-missing";

/** The mesh cannot run on this machine as it was asked to. The message says what to do. */
export class MeshError extends Error {
  override readonly name = "MeshError";
  readonly code: MeshErrorCode;

  constructor(code: MeshErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
