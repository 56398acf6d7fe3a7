import { proxy_http_call } from "./abi/env";
import { resultWord } from "./abi/result";
import { encode, encodedSize } from "./abi/text";
import { Body, bodyOf } from "./body";
import { addCall, Call, enterCall, removeCall } from "./calls";
import { Headers, headersOf } from "./headers";
import { Buffer } from "./host/buffer";
import { HeaderMap } from "./host/header-map";
import { serialize, serializedSize } from "./host/pairs";
import { Status } from "./host/status";

/** Why a call has no answer of its server. */
export enum CallFailure {
  None = 0,
  /** No connection, or it ended before the answer. Envoy makes up a 503. */
  Unavailable = 1,
  /** Envoy makes up a 504. */
  Timeout = 2,
  /** The call was reset, or the answer was larger than Envoy keeps: there is no status. */
  Reset = 3,
}

/** What becomes of a call. Keep in it what is needed then: it may hold the stream's context. */
export abstract class HttpCallHandler {
  /** Called once, unless the stream or root that made the call is gone by then. The stream's request, response and
   * attributes are at hand as in a callback of its own. */
  abstract onHttpCallResponse(response: HttpCallResponse): void;
}

/** The answer to a call. It can be read until `onHttpCallResponse` returns. */
export class HttpCallResponse {
  constructor(
    /** 0 where there is none: see `failure`. */
    readonly status: u32,
    /** Whether, and why, there is no answer of the server's. */
    readonly failure: CallFailure,
    /** In bytes. */
    readonly bodySize: u32,
    /** Headers, `:status` among them; 0 after a reset. */
    readonly headerCount: u32,
    /** Trailers. */
    readonly trailerCount: u32,
  ) {}

  /** They cannot be changed. */
  get headers(): Headers {
    return headersOf(HeaderMap.HttpCallResponseHeaders);
  }

  /** They cannot be changed; empty where there are none. */
  get trailers(): Headers {
    return headersOf(HeaderMap.HttpCallResponseTrailers);
  }

  /** It cannot be changed. */
  get body(): Body {
    return bodyOf(Buffer.HttpCallResponseBody);
  }
}

export class PendingHttpCall extends Call {
  constructor(readonly handler: HttpCallHandler) {
    super();
  }
}

/**
 * A request of the plugin's own to a cluster of Envoy's. A stream that waits for it returns `Action.PauseAll` from its
 * headers. It belongs to the stream, or the root, in whose callback it is sent.
 *
 * ```ts
 * class OnCheck extends HttpCallHandler {
 *   constructor(private readonly stream: Check) {
 *     super();
 *   }
 *   onHttpCallResponse(response: HttpCallResponse): void {
 *     if (response.status == 200) this.stream.request.resume();
 *     else new LocalResponse(403).send();
 *   }
 * }
 * class Check extends HttpContext<NoConfig> {
 *   onRequestHeaders(endOfStream: bool): Action {
 *     const call = new HttpCall("callout|shop|auth|check", "auth.shop", "/check").header("x-user", "ada");
 *     call.timeoutMs = 300;
 *     return call.send(new OnCheck(this)) == Status.Ok ? Action.PauseAll : new LocalResponse(503).send();
 *   }
 * }
 * register<Check, NoConfig>("check");
 * ```
 */
export class HttpCall {
  private readonly headers: string[];
  private readonly trailers: string[] = [];
  /** What is sent as the body; null: none. */
  body: ArrayBuffer | null = null;
  /** 0: none, so that the call may stay for ever. */
  timeoutMs: u32 = 5000;

  constructor(
    /** Name of the cluster. */
    readonly cluster: string,
    authority: string,
    path: string,
    method: string = "GET",
  ) {
    this.headers = [":method", method, ":path", path, ":authority", authority];
  }

  /** Adds a header; a name may be repeated. */
  header(name: string, value: string): HttpCall {
    this.headers.push(name);
    this.headers.push(value);
    return this;
  }

  /** Adds a trailer. */
  trailer(name: string, value: string): HttpCall {
    this.trailers.push(name);
    this.trailers.push(value);
    return this;
  }

  /** Sets the body, as UTF-8. It sets no content-type. */
  text(body: string): HttpCall {
    this.body = String.UTF8.encode(body);
    return this;
  }

  /**
   * Whether the call was made. Not Ok, `Status.BadArgument` for a cluster that is not there: the handler is never
   * called. Ok: it is called once, if the stream or root still is there. May be called in any callback but onDelete.
   */
  send(handler: HttpCallHandler): Status {
    const cluster = encode(this.cluster);
    const clusterSize = encodedSize;
    const headers = serialize(this.headers);
    const headersSize = serializedSize;
    const trailers = serialize(this.trailers);
    const trailersSize: usize = this.trailers.length == 0 ? 0 : serializedSize;
    const body = this.body;
    const bodySize: usize = body === null ? 0 : <usize>body.byteLength;
    const status = proxy_http_call(
      cluster,
      clusterSize,
      headers,
      headersSize,
      changetype<usize>(body),
      bodySize,
      trailers,
      trailersSize,
      this.timeoutMs,
      resultWord,
    );
    if (status == Status.Ok) addCall(load<u32>(resultWord), new PendingHttpCall(handler));
    return <Status>status;
  }
}

/* Envoy's own answers have three headers: status, length, type. */
const SYNTHETIC_HEADERS: u32 = 3;

function failureOf(status: u32, headers: u32): CallFailure {
  if (headers == 0) return CallFailure.Reset;
  if (headers != SYNTHETIC_HEADERS) return CallFailure.None;
  if (status != 503 && status != 504) return CallFailure.None;
  const view = headersOf(HeaderMap.HttpCallResponseHeaders);
  if (view.get("content-type") != "text/plain" || view.get("content-length") === null) return CallFailure.None;
  return status == 503 ? CallFailure.Unavailable : CallFailure.Timeout;
}

export function httpCallResponse(token: u32, headers: u32, bodySize: u32, trailers: u32): void {
  const call = changetype<PendingHttpCall | null>(enterCall(token));
  removeCall(token);
  if (call === null) return;
  let text: string | null = null;
  if (headers > 0) text = headersOf(HeaderMap.HttpCallResponseHeaders).get(":status");
  const status: u32 = text === null ? 0 : <u32>parseInt(text, 10);
  const failure = failureOf(status, headers);
  call.handler.onHttpCallResponse(new HttpCallResponse(status, failure, bodySize, headers, trailers));
}
