import { encode, encodedSize } from "./abi/text";
import { Action } from "./action";
import { Status } from "./host/status";
import { sendLocalResponse } from "./host/stream";

/**
 * An answer from the plugin itself; the request goes no further. The response's callbacks see it too.
 *
 * ```ts
 * function refuse(): Action {
 *   const response = new LocalResponse(429).header("retry-after", "5");
 *   response.body = "try again later";
 *   return response.send();
 * }
 * ```
 */
export class LocalResponse {
  private readonly entries: string[] = [];
  /** Text of the body, as UTF-8. */
  body: string = "";
  /** Instead of `body`, where it is no text. */
  bytes: ArrayBuffer | null = null;
  /** Shown in access logs as response code details; Envoy replaces spaces. */
  details: string = "";
  /** -1: none. */
  grpcStatus: i32 = -1;

  /** `status` is that of HTTP; for a gRPC client Envoy makes `grpc-status` of it, unless `grpcStatus` is set. */
  constructor(readonly status: u32) {}

  /** Adds a header; a name may be repeated. */
  header(name: string, value: string): LocalResponse {
    this.entries.push(name);
    this.entries.push(value);
    return this;
  }

  /**
   * `return response.send()` ends the callback. It is sent when the callback has returned. Where it cannot be sent, as
   * an answer is on its way already, the action is to continue.
   */
  send(): Action {
    const bytes = this.bytes;
    const body = bytes === null ? encode(this.body) : changetype<usize>(bytes);
    const size = bytes === null ? encodedSize : <usize>bytes.byteLength;
    const status = sendLocalResponse(this.status, this.details, body, size, this.entries, this.grpcStatus);
    return status == Status.Ok ? Action.Pause : Action.Continue;
  }
}
