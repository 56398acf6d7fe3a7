import { Headers } from "./headers";
import { Buffer, bufferText } from "./host/buffer";
import { HeaderMap } from "./host/header-map";
import { continueStream, StreamType } from "./host/stream";

/** The request or the response of the current stream. */
export class Message {
  readonly headers: Headers;
  readonly trailers: Headers;

  constructor(
    headers: HeaderMap,
    trailers: HeaderMap,
    private readonly body: Buffer,
    private readonly stream: StreamType,
  ) {
    this.headers = new Headers(headers);
    this.trailers = new Headers(trailers);
  }

  /** Up to `length` bytes of the body received and not passed on yet, as text; null outside the body's phase. */
  bodyText(start: u32, length: u32): string | null {
    return bufferText(this.body, start, length);
  }

  /** Goes on after Action.Pause. */
  resume(): void {
    continueStream(this.stream);
  }
}

/* One of each is enough: the host knows which stream is the current one. */
export const currentRequest = new Message(
  HeaderMap.RequestHeaders,
  HeaderMap.RequestTrailers,
  Buffer.RequestBody,
  StreamType.Request,
);
export const currentResponse = new Message(
  HeaderMap.ResponseHeaders,
  HeaderMap.ResponseTrailers,
  Buffer.ResponseBody,
  StreamType.Response,
);
