import { httpContext } from "../../live";
import { announce, enter, leave } from "../boundary";

export function proxy_on_request_trailers(id: u32, count: u32): i32 {
  enter(id);
  announce(count);
  const context = httpContext(id);
  const result: i32 = context === null ? 0 : context.onRequestTrailers();
  leave();
  return min(result, 1);
}
