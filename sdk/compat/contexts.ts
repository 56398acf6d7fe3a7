import { proxy_http_call } from "../assembly/abi/env";
import { resultWord } from "../assembly/abi/result";
import { encode, encodedSize } from "../assembly/abi/text";
import { addCall } from "../assembly/calls";
import { HttpCallHandler, HttpCallResponse, PendingHttpCall } from "../assembly/http-call";
import { continue_request, done, log, proxy_set_effective_context } from "./host-calls";
import { pairsSize, serializePairs } from "./pairs";
import {
  FilterDataStatusValues,
  FilterHeadersStatusValues,
  FilterMetadataStatusValues,
  FilterStatusValues,
  FilterTrailersStatusValues,
  Headers,
  LogLevelValues,
  PeerTypeValues,
  WasmResultValues,
} from "./values";

/** What roots and streams have in common. */
export abstract class BaseContext {
  constructor(public context_id: u32) {}

  continueRequest(): void {
    continue_request();
  }

  setEffectiveContext(): WasmResultValues {
    return proxy_set_effective_context(this.context_id);
  }

  onDone(): bool {
    return true;
  }

  onDelete(): void {}
}

type Callback = (origin_context: BaseContext, headers: u32, body_size: usize, trailers: u32) => void;

export class HttpCallback {
  constructor(
    public origin_context: BaseContext,
    public cb: Callback,
  ) {}
}

class OnAnswer extends HttpCallHandler {
  token: u32 = 0;

  constructor(
    readonly root: RootContext,
    readonly callback: HttpCallback,
    private readonly generation: u32,
  ) {
    super();
  }

  onHttpCallResponse(response: HttpCallResponse): void {
    if (this.generation != this.root.generation) return;
    answered = this;
    this.root.onHttpCallResponse(this.token, response.headerCount, response.bodySize, response.trailerCount);
    answered = null;
  }
}

let answered: OnAnswer | null = null;

/** One plugin configuration, and the maker of its streams. */
export class RootContext extends BaseContext {
  /** The configuration as text. */
  configuration_: string = "";
  /* Calls of an older one are cancelled. */
  generation: u32 = 0;

  constructor(context_id: u32) {
    super(context_id);
  }

  getConfiguration(): string {
    return this.configuration_;
  }

  createContext(context_id: u32): Context {
    log(LogLevelValues.error, "the root context has no createContext");
    return new Context(context_id, this);
  }

  /** The callbacks of calls that are not answered yet are not called. */
  cancelPendingRequests(): void {
    this.generation++;
  }

  validateConfiguration(configuration_size: usize): bool {
    return true;
  }

  onConfigure(configuration_size: u32): bool {
    return true;
  }

  onStart(vm_configuration_size: usize): bool {
    return true;
  }

  onTick(): void {}

  onQueueReady(token: u32): void {}

  done(): void {
    done();
  }

  /** The callback gets 0 headers where the call failed without an answer. It is not called for a stream that is gone. */
  httpCall(
    cluster: string,
    headers: Headers,
    body: ArrayBuffer,
    trailers: Headers,
    timeout_milliseconds: u32,
    origin_context: BaseContext,
    cb: Callback,
  ): WasmResultValues {
    const name = encode(cluster);
    const nameSize = encodedSize;
    const headerPairs = serializePairs(headers);
    const headersSize = pairsSize;
    const trailerPairs = serializePairs(trailers);
    const trailersSize: usize = trailers.length == 0 ? 0 : pairsSize;
    const result = proxy_http_call(
      name,
      nameSize,
      headerPairs,
      headersSize,
      changetype<usize>(body),
      body.byteLength,
      trailerPairs,
      trailersSize,
      timeout_milliseconds,
      resultWord,
    );
    if (result == WasmResultValues.Ok) {
      const handler = new OnAnswer(this, new HttpCallback(origin_context, cb), this.generation);
      handler.token = load<u32>(resultWord);
      addCall(handler.token, new PendingHttpCall(handler), origin_context.context_id);
    }
    return result;
  }

  onHttpCallResponse(token: u32, headers: u32, body_size: u32, trailers: u32): void {
    const handler = answered;
    if (handler === null) return;
    const callback = handler.callback;
    callback.cb(callback.origin_context, headers, body_size, trailers);
  }
}

/** One HTTP stream. */
export class Context extends BaseContext {
  constructor(
    context_id: u32,
    public root_context: RootContext,
  ) {
    super(context_id);
  }

  onNewConnection(): FilterStatusValues {
    return FilterStatusValues.Continue;
  }

  onDownstreamData(size: usize, end: bool): FilterStatusValues {
    return FilterStatusValues.Continue;
  }

  onUpstreamData(size: usize, end: bool): FilterStatusValues {
    return FilterStatusValues.Continue;
  }

  onDownstreamConnectionClose(t: PeerTypeValues): void {}

  onUpstreamConnectionClose(t: PeerTypeValues): void {}

  onRequestHeaders(a: u32, end_of_stream: bool): FilterHeadersStatusValues {
    return FilterHeadersStatusValues.Continue;
  }

  onRequestMetadata(a: u32): FilterMetadataStatusValues {
    return FilterMetadataStatusValues.Continue;
  }

  onRequestBody(body_buffer_length: usize, end_of_stream: bool): FilterDataStatusValues {
    return FilterDataStatusValues.Continue;
  }

  onRequestTrailers(a: u32): FilterTrailersStatusValues {
    return FilterTrailersStatusValues.Continue;
  }

  onResponseHeaders(a: u32, end_of_stream: bool): FilterHeadersStatusValues {
    return FilterHeadersStatusValues.Continue;
  }

  onResponseMetadata(a: u32): FilterMetadataStatusValues {
    return FilterMetadataStatusValues.Continue;
  }

  onResponseBody(body_buffer_length: usize, end_of_stream: bool): FilterDataStatusValues {
    return FilterDataStatusValues.Continue;
  }

  onResponseTrailers(s: u32): FilterTrailersStatusValues {
    return FilterTrailersStatusValues.Continue;
  }

  onLog(): void {}
}
