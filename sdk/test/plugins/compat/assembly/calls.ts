import {
  BaseContext,
  BufferTypeValues,
  Context,
  continue_request,
  FilterHeadersStatusValues,
  GrpcStatusValues,
  get_buffer_bytes,
  HeaderPair,
  LogLevelValues,
  log,
  RootContext,
  registerRootContext,
  send_local_response,
  stream_context,
  WasmResultValues,
} from "@solo-io/proxy-runtime/assembly";

class AskRoot extends RootContext {
  createContext(context_id: u32): Context {
    return new Ask(context_id, this);
  }
}

class Ask extends Context {
  rounds: i32 = 0;

  constructor(context_id: u32, root_context: AskRoot) {
    super(context_id, root_context);
  }

  onRequestHeaders(a: u32, end_of_stream: bool): FilterHeadersStatusValues {
    const headers = stream_context.headers.request.get_headers();
    headers.push(new HeaderPair(String.UTF8.encode("x-asked"), String.UTF8.encode("yes")));
    const cluster = stream_context.headers.request.get("x-cluster");
    const result = this.root_context.httpCall(
      cluster,
      headers,
      new ArrayBuffer(0),
      [],
      500,
      this,
      (origin_context: BaseContext, headers: u32, body_size: usize, trailers: u32) => {
        const context = origin_context as Ask;
        context.rounds++;
        log(LogLevelValues.warn, "ask: answered " + headers.toString());
        const status = stream_context.headers.http_callback.get(":status");
        const body = String.UTF8.decode(get_buffer_bytes(BufferTypeValues.HttpCallResponseBody, 0, body_size as u32));
        if (status == "200") {
          stream_context.headers.request.add("x-answer", body + context.rounds.toString());
          continue_request();
        } else {
          send_local_response(403, "refused", String.UTF8.encode(status), [], GrpcStatusValues.PermissionDenied);
        }
      },
    );
    if (result != WasmResultValues.Ok) {
      send_local_response(500, "no call", new ArrayBuffer(0), [], GrpcStatusValues.Internal);
    }
    return FilterHeadersStatusValues.StopIteration;
  }
}

registerRootContext((context_id: u32) => {
  return new AskRoot(context_id);
}, "ask");
