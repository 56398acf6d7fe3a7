import { anyContext } from "../../live";
import { enter, leave } from "../boundary";

export function proxy_on_log(id: u32): void {
  enter(id);
  const context = anyContext(id);
  if (context !== null) context.onLog();
  leave();
}
