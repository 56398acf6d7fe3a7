import { Action, config, HttpContext, register } from "@weft/sdk";
import { greeting } from "./greeting";

@config
class Config {
  /** Who is greeted. */
  name: string = "mesh";
}

class Hello extends HttpContext<Config> {
  onResponseHeaders(endOfStream: bool): Action {
    this.response.headers.set("x-hello", greeting(this.config.name));
    return Action.Continue;
  }
}

register<Hello, Config>("hello");
