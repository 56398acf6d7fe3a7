import { Action, HttpContext, NoConfig, register } from "@weft/sdk";
import { VERSION } from "./version";

class Swap extends HttpContext<NoConfig> {
  onResponseHeaders(endOfStream: bool): Action {
    this.response.headers.set("x-swap", VERSION);
    return Action.Continue;
  }
}

register<Swap, NoConfig>("swap");
