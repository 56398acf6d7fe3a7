/* Plugins as one writes them for @solo-io/proxy-runtime. */
export * from "@solo-io/proxy-runtime/proxy";

import {
  Context,
  FilterHeadersStatusValues,
  RootContext,
  registerRootContext,
  stream_context,
} from "@solo-io/proxy-runtime";
import "./calls";
import "./data";

class GreetingRoot extends RootContext {
  createContext(context_id: u32): Context {
    return new Greeting(context_id, this);
  }
}

class Greeting extends Context {
  constructor(context_id: u32, root_context: GreetingRoot) {
    super(context_id, root_context);
  }

  onResponseHeaders(a: u32, end_of_stream: bool): FilterHeadersStatusValues {
    const greeting = this.root_context.getConfiguration();
    stream_context.headers.response.add("hello", greeting == "" ? "nobody" : greeting);
    stream_context.headers.response.replace("x-count", a.toString());
    stream_context.headers.response.remove("x-removed");
    stream_context.headers.response.replace("x-missing", "[" + stream_context.headers.request.get("x-none") + "]");
    return FilterHeadersStatusValues.Continue;
  }
}

registerRootContext((context_id: u32) => {
  return new GreetingRoot(context_id);
}, "add_header");
