import { Action, HttpContext, NoConfig, register } from "@weft/sdk";

let hits: u32 = 0;

class Filter extends HttpContext<NoConfig> {
  onRequestHeaders(endOfStream: bool): Action {
    const value = this.request.headers.get("x-in");
    if (value !== null && value.length > 0) hits++;
    return Action.Continue;
  }

  onResponseHeaders(endOfStream: bool): Action {
    this.response.headers.add("x-out", "from-plugin");
    return Action.Continue;
  }
}

register<Filter, NoConfig>("bench");
