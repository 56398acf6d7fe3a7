import type { OutgoingHttpHeaders } from "node:http";

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes */
export type ErrorCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "SIZE_INVALID"
  | "UNAUTHORIZED"
  | "UNSUPPORTED";

/** A request that is answered with an error. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: ErrorCode;
  readonly headers: OutgoingHttpHeaders;

  constructor(status: number, code: ErrorCode, message: string, headers: OutgoingHttpHeaders = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** Why a registry could not start. */
export type RegistryServerErrorCode = "address-in-use" | "address-unusable" | "folder-unusable";

export class RegistryServerError extends Error {
  override readonly name = "RegistryServerError";
  readonly code: RegistryServerErrorCode;

  constructor(code: RegistryServerErrorCode, message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
