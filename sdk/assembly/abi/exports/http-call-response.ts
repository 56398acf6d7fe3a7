import { httpCallResponse } from "../../http-call";
import { enter, leave } from "../boundary";

export function proxy_on_http_call_response(root: u32, token: u32, headers: u32, bodySize: u32, trailers: u32): void {
  enter(root);
  httpCallResponse(token, headers, bodySize, trailers);
  leave();
}
