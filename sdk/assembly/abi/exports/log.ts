import { anyContext } from "../../dispatcher";
import { enter, leave } from "../boundary";

export function proxy_on_log(id: u32): void {
  enter();
  const context = anyContext(id);
  if (context !== null) context.onLog();
  leave();
}
