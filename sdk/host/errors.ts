/** Where the module failed. */
export type HostErrorCode =
  /** The bytes are no module that Envoy takes: format, ABI version, imports, exports, start section. */
  | "MODULE"
  /** Node cannot compile it. Envoy's engine is newer, so this alone does not say that Envoy cannot. */
  | "COMPILE"
  /** `_initialize` or `_start` trapped. */
  | "INITIALIZE"
  /** `proxy_on_vm_start` returned false or trapped. */
  | "START"
  /** `proxy_on_configure` returned false or trapped. */
  | "CONFIGURE"
  /** A guest call ran longer than `limits.callMs`. */
  | "LOOP"
  /** The plugin did what a careful author wants to know of; see ViolationKind. */
  | "VIOLATION"
  /** The test used the host wrongly. */
  | "USAGE";

/** The plugin, or the test, did something wrong. `message` says what and what to do. */
export class HostError extends Error {
  /** What to branch on; the message is for people. */
  readonly code: HostErrorCode;

  constructor(code: HostErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * What strict hosts throw and others record. `phase`: a header, trailer or buffer call that Envoy refused with
 * BAD_ARGUMENT. `metric`: the same metric defined again in one VM (each definition leaks in Envoy). `trap`: a callback
 * trapped. `leak`: a stream or a call that was still open when the host was closed. `resume`: a stream was continued
 * that was not paused, which makes Envoy send it twice. `late`: a local response or close after the stream had ended.
 * `length`: the content-length no longer fits the body. `crash`: what makes the whole of Envoy 1.40 abort.
 */
export type ViolationKind = "phase" | "metric" | "trap" | "leak" | "resume" | "late" | "length" | "crash";

/** One thing that a careful author wants to know of. */
export interface Violation {
  kind: ViolationKind;
  message: string;
}
