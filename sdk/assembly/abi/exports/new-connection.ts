import { streamContext } from "../../live";
import { enter, leave } from "../boundary";

export function proxy_on_new_connection(id: u32): i32 {
  enter(id);
  const context = streamContext(id);
  const result: i32 = context === null ? 0 : context.onNewConnection();
  leave();
  return min(result, 1);
}
