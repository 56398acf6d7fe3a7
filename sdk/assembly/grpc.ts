import { proxy_grpc_call, proxy_grpc_cancel, proxy_grpc_close, proxy_grpc_send, proxy_grpc_stream } from "./abi/env";
import { resultWord } from "./abi/result";
import { encode, encodedSize } from "./abi/text";
import { addCall, Call, enterCall, removeCall } from "./calls";
import { Headers, headersOf } from "./headers";
import { Buffer, bufferBytes } from "./host/buffer";
import { callMessage } from "./host/context";
import { HeaderMap } from "./host/header-map";
import { serialize, serializedSize } from "./host/pairs";
import { Status } from "./host/status";
import { ProtoWriter } from "./proto";

/* Envoy says unavailable where it was its own timeout. */
const DEADLINE_EXCEEDED: u32 = 4;

/**
 * What becomes of a gRPC call or stream. It is called for a stream or root that still is there only, with that stream's
 * request, response and attributes at hand; a gRPC stream whose owner is gone is cancelled at its next message.
 */
export abstract class GrpcHandler {
  /** Of a stream, before its first message. */
  onGrpcInitialMetadata(metadata: Headers): void {}

  /** Once for a call that succeeds; for a stream as often as the server sends. */
  abstract onGrpcMessage(message: ArrayBuffer): void;

  /** Of a stream, before its end. */
  onGrpcTrailingMetadata(metadata: Headers): void {}

  /**
   * The last, for calls and for streams. `status` is that of gRPC: 0 is OK, 4 deadline exceeded, 14 unavailable. Envoy
   * adds details in braces to the server's message.
   */
  onGrpcClose(status: u32, message: string): void {}
}

class PendingGrpc extends Call {
  constructor(
    readonly handler: GrpcHandler,
    readonly isStream: bool,
  ) {
    super();
  }
}

/** A stream that is open. */
export class GrpcStream {
  constructor(private readonly token: u32) {}

  /** Sends one message; with `endOfStream` it is the last. False: the stream is over. */
  send(message: ArrayBuffer, endOfStream: bool = false): bool {
    const size = <usize>message.byteLength;
    return proxy_grpc_send(this.token, changetype<usize>(message), size, endOfStream ? 1 : 0) == Status.Ok;
  }

  /** No more will be sent; the server's messages still come. */
  close(): bool {
    return proxy_grpc_close(this.token) == Status.Ok;
  }

  /** Ends it; the handler hears no more of it. */
  cancel(): bool {
    removeCall(this.token);
    return proxy_grpc_cancel(this.token) == Status.Ok;
  }
}

/**
 * A method of a gRPC service in a cluster of Envoy's, which speaks HTTP/2. The call belongs to the stream, or the root,
 * in whose callback it is made.
 *
 * ```ts
 * class OnLimit extends GrpcHandler {
 *   constructor(private readonly stream: Limit) {
 *     super();
 *   }
 *   onGrpcMessage(message: ArrayBuffer): void {
 *     this.stream.request.resume();
 *   }
 *   onGrpcClose(status: u32, message: string): void {
 *     if (status != 0) new LocalResponse(503).send();
 *   }
 * }
 * class Limit extends HttpContext<NoConfig> {
 *   onRequestHeaders(endOfStream: bool): Action {
 *     const call = new GrpcCall("limits", "envoy.service.ratelimit.v3.RateLimitService", "ShouldRateLimit");
 *     const message = new ProtoWriter().string(1, "shop").finish();
 *     return call.send(message, new OnLimit(this)) == Status.Ok ? Action.PauseAll : Action.Continue;
 *   }
 * }
 * register<Limit, NoConfig>("limit");
 * ```
 */
export class GrpcCall {
  private readonly entries: string[] = [];
  /** Of a unary call. 0: none. */
  timeoutMs: u32 = 5000;

  constructor(
    /** Name of the cluster; it must speak HTTP/2. What is behind the last `|` of it becomes the `:authority`. */
    readonly cluster: string,
    /** With its package: `envoy.service.ratelimit.v3.RateLimitService`. */
    readonly service: string,
    /** Without its service: `ShouldRateLimit`. */
    readonly method: string,
  ) {}

  /** Adds initial metadata to the call; may be repeated. */
  metadata(name: string, value: string): GrpcCall {
    this.entries.push(name);
    this.entries.push(value);
    return this;
  }

  /**
   * A call with one message and one answer. Not Ok, `Status.ParseFailure` for a cluster that is not there: it was not
   * made, and the handler is never called.
   */
  send(message: ArrayBuffer, handler: GrpcHandler): Status {
    const target = this.target();
    const service = encode(this.service);
    const serviceSize = encodedSize;
    const method = encode(this.method);
    const methodSize = encodedSize;
    const metadata = serialize(this.entries);
    const status = proxy_grpc_call(
      changetype<usize>(target),
      target.byteLength,
      service,
      serviceSize,
      method,
      methodSize,
      metadata,
      serializedSize,
      changetype<usize>(message),
      message.byteLength,
      this.timeoutMs,
      resultWord,
    );
    if (status == Status.Ok) addCall(load<u32>(resultWord), new PendingGrpc(handler, false));
    return <Status>status;
  }

  /**
   * Opens a stream; null where there is no such cluster. One that many requests share is opened in a callback of the
   * root.
   */
  open(handler: GrpcHandler): GrpcStream | null {
    const target = this.target();
    const service = encode(this.service);
    const serviceSize = encodedSize;
    const method = encode(this.method);
    const methodSize = encodedSize;
    const metadata = serialize(this.entries);
    const status = proxy_grpc_stream(
      changetype<usize>(target),
      target.byteLength,
      service,
      serviceSize,
      method,
      methodSize,
      metadata,
      serializedSize,
      resultWord,
    );
    if (status != Status.Ok) return null;
    const token = load<u32>(resultWord);
    addCall(token, new PendingGrpc(handler, true));
    return new GrpcStream(token);
  }

  /* envoy.config.core.v3.GrpcService: a bare cluster name might happen to be one. */
  private target(): ArrayBuffer {
    const envoyGrpc = new ProtoWriter().string(1, this.cluster);
    // Envoy would take the cluster's name. `outbound|8081||limits.shop` is none that the next Envoy accepts.
    const bar = this.cluster.lastIndexOf("|");
    if (bar >= 0) envoyGrpc.string(2, this.cluster.substring(bar + 1));
    return new ProtoWriter().message(1, envoyGrpc).finish();
  }
}

/* The call, or null once it is cancelled: its owner is gone. */
function enterGrpc(token: u32): PendingGrpc | null {
  const call = changetype<PendingGrpc | null>(enterCall(token));
  if (call !== null) return call;
  removeCall(token);
  proxy_grpc_cancel(token);
  return null;
}

export function grpcInitialMetadata(token: u32): void {
  const call = enterGrpc(token);
  if (call !== null) call.handler.onGrpcInitialMetadata(headersOf(HeaderMap.GrpcInitialMetadata));
}

export function grpcTrailingMetadata(token: u32): void {
  const call = enterGrpc(token);
  if (call !== null) call.handler.onGrpcTrailingMetadata(headersOf(HeaderMap.GrpcTrailingMetadata));
}

export function grpcReceive(token: u32, size: u32): void {
  const call = enterGrpc(token);
  if (call === null) return;
  const message = bufferBytes(Buffer.GrpcMessage, 0, size);
  const handler = call.handler;
  handler.onGrpcMessage(message === null ? new ArrayBuffer(0) : message);
  if (call.isStream) return;
  removeCall(token);
  handler.onGrpcClose(0, "");
}

export function grpcClose(token: u32, status: u32): void {
  const call = changetype<PendingGrpc | null>(enterCall(token));
  removeCall(token);
  if (call === null) return;
  const message = callMessage();
  call.handler.onGrpcClose(message.endsWith("{response_timeout}") ? DEADLINE_EXCEEDED : status, message);
}
