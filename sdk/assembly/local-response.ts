import { Action } from "./action";
import { Status } from "./host/status";
import { sendLocalResponse } from "./host/stream";

/** An answer from the plugin itself; the request goes no further. */
export class LocalResponse {
  private readonly entries: string[] = [];
  body: string = "";
  /** Shown in access logs as response code details; Envoy replaces spaces. */
  details: string = "";
  /** -1: none. */
  grpcStatus: i32 = -1;

  constructor(readonly status: u32) {}

  header(name: string, value: string): LocalResponse {
    this.entries.push(name);
    this.entries.push(value);
    return this;
  }

  /** `return response.send()` ends the callback. It is sent when the callback has returned. */
  send(): Action {
    const status = sendLocalResponse(this.status, this.details, this.body, this.entries, this.grpcStatus);
    return status == Status.Ok ? Action.Pause : Action.Continue;
  }
}
