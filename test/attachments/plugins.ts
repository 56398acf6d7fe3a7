/* Plugins for tests of what a WasmPlugin says of where it is attached, as text. */

/** Asks the callout that the header `x-callout` names, and answers with what that answered. */
export const ASK = `
import {
  Action, callout, CallFailure, GrpcCall, GrpcHandler, HttpCall, HttpCallHandler, HttpCallResponse, HttpContext,
  LocalResponse, NoConfig, register, Status,
} from "@weft/sdk";

function answer(text: string): void {
  const response = new LocalResponse(200);
  response.body = text;
  response.send();
}

class OnHttp extends HttpCallHandler {
  onHttpCallResponse(response: HttpCallResponse): void {
    if (response.failure != CallFailure.None) answer("failure " + (<i32>response.failure).toString());
    else answer(response.status.toString() + " " + response.body.text()!);
  }
}

class OnGrpc extends GrpcHandler {
  private decided: bool = false;
  onGrpcMessage(message: ArrayBuffer): void {
    this.decided = true;
    answer("grpc " + String.UTF8.decode(message));
  }
  onGrpcClose(status: u32, message: string): void {
    if (!this.decided) answer("grpc status " + status.toString());
  }
}

class Ask extends HttpContext<NoConfig> {
  onRequestHeaders(endOfStream: bool): Action {
    const name = this.request.headers.get("x-callout");
    if (name === null) return Action.Continue;
    const isGrpc = this.request.headers.get("x-grpc") !== null;
    const status = isGrpc
      ? new GrpcCall(callout(name), "test.Echo", "Say").send(String.UTF8.encode("hello"), new OnGrpc())
      : new HttpCall(callout(name), "callout.test", "/path").send(new OnHttp());
    if (status == Status.Ok) return Action.PauseAll;
    const response = new LocalResponse(200);
    response.body = "not sent " + (<i32>status).toString();
    return response.send();
  }
}
register<Ask, NoConfig>("probe");
`;

/** Adds its name to a header, with how many requests the shared data of its VM have seen. */
export const MARK = `
import { Action, config, HttpContext, register, sharedData, Update } from "@weft/sdk";

@config
class Config { name!: string; }

class Increment extends Update {
  value: u32 = 0;
  next(current: ArrayBuffer | null): ArrayBuffer | null {
    this.value = current === null ? 1 : load<u32>(changetype<usize>(current)) + 1;
    const next = new ArrayBuffer(4);
    store<u32>(changetype<usize>(next), this.value);
    return next;
  }
}

class Mark extends HttpContext<Config> {
  onRequestHeaders(endOfStream: bool): Action {
    const step = new Increment();
    sharedData.update("count", step);
    const before = this.request.headers.get("x-marks");
    const mark = this.config.name + "=" + step.value.toString();
    this.request.headers.set("x-marks", before === null ? mark : before + " " + mark);
    return Action.Continue;
  }
}
register<Mark, Config>("probe");
`;

/** Puts its mark before each piece of what a client sends. */
export const STAMP = `
import { Action, config, register, StreamContext } from "@weft/sdk";

@config
class Config { mark!: string; }

class Stamp extends StreamContext<Config> {
  onDownstreamData(size: u32, endOfStream: bool): Action {
    if (size > 0) this.downstream.prependText(this.config.mark);
    return Action.Continue;
  }
}
register<Stamp, Config>("probe");
`;
