/** An answer of the API server that is no success. */
export class KubernetesApiError extends Error {
  override readonly name = "KubernetesApiError";
  /** Of HTTP, or of the Status object that ends a watch. */
  readonly status: number;
  /** One word, such as `Expired`; "" where the server gives none. */
  readonly reason: string;
  /** How long the server asks to be left alone. */
  readonly retryAfterMs?: number;

  constructor(status: number, reason: string, message: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.reason = reason;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
  }
}

/**
 * The error that a Status object tells.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
 */
export function errorOfStatus(value: unknown, status: number, retryAfterMs?: number): KubernetesApiError {
  const { reason, message, code } = (typeof value === "object" && value !== null ? value : {}) as {
    readonly reason?: unknown;
    readonly message?: unknown;
    readonly code?: unknown;
  };
  return new KubernetesApiError(
    typeof code === "number" ? code : status,
    typeof reason === "string" ? reason : "",
    typeof message === "string" && message !== "" ? message : `the API server answers ${status}`,
    retryAfterMs,
  );
}
