import { anyContext } from "../../live";
import { enter, leave } from "../boundary";

export function proxy_on_done(id: u32): u32 {
  enter(id);
  const context = anyContext(id);
  const result: u32 = context === null ? 1 : <u32>context.onDone();
  leave();
  return result;
}
