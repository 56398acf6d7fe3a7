import { httpContext } from "../../live";
import { announce, enter, leave } from "../boundary";

export function proxy_on_request_headers(id: u32, count: u32, endOfStream: u32): i32 {
  enter(id);
  announce(count);
  const context = httpContext(id);
  const result: i32 = context === null ? 0 : context.onRequestHeaders(endOfStream != 0);
  leave();
  return result;
}
