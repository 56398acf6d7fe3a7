import { httpContext } from "../../live";
import { enter, leave } from "../boundary";

export function proxy_on_response_body(id: u32, size: u32, endOfStream: u32): i32 {
  enter(id);
  const context = httpContext(id);
  const result: i32 = context === null ? 0 : context.onResponseBody(size, endOfStream != 0);
  leave();
  return result;
}
