import { httpContext } from "../../dispatcher";
import { enter, leave } from "../boundary";

export function proxy_on_response_headers(id: u32, count: u32, endOfStream: u32): i32 {
  enter();
  const context = httpContext(id);
  const result: i32 = context === null ? 0 : context.onResponseHeaders(endOfStream != 0);
  leave();
  return result;
}
