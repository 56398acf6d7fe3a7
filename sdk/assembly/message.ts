import { Body, bodyOf } from "./body";
import { Headers, headersOf } from "./headers";
import { Buffer } from "./host/buffer";
import { HeaderMap } from "./host/header-map";
import { Status } from "./host/status";
import { continueStream, StreamType } from "./host/stream";

const REQUEST: usize = 1;
const RESPONSE: usize = 2;

/** The request or the response of the current stream. It has no state: the host knows which stream that is. */
@unmanaged
export class Message {
  private get isRequest(): bool {
    return changetype<usize>(this) == REQUEST;
  }

  /** Its headers, `:path` or `:status` among them. */
  get headers(): Headers {
    return headersOf(this.isRequest ? HeaderMap.RequestHeaders : HeaderMap.ResponseHeaders);
  }

  /** Those of a message that ends without trailers are added to it, from the last callback of its body on. */
  get trailers(): Headers {
    return headersOf(this.isRequest ? HeaderMap.RequestTrailers : HeaderMap.ResponseTrailers);
  }

  /** What has come of the body and is not passed on yet; empty outside the callbacks of the body and the trailers. */
  get body(): Body {
    return bodyOf(this.isRequest ? Buffer.RequestBody : Buffer.ResponseBody);
  }

  /** `body.text(start, length)`. */
  bodyText(start: u32, length: u32): string | null {
    return this.body.text(start, length);
  }

  /**
   * Goes on after Action.Pause or Action.PauseAll, from the handler of a call or another callback of the same stream.
   * False: there is nothing to go on with.
   */
  resume(): bool {
    return continueStream(this.isRequest ? StreamType.Request : StreamType.Response) == Status.Ok;
  }
}

export function currentRequest(): Message {
  return changetype<Message>(REQUEST);
}

export function currentResponse(): Message {
  return changetype<Message>(RESPONSE);
}
