import { tick } from "../../dispatcher";
import { enter, leave } from "../boundary";

export function proxy_on_tick(id: u32): void {
  enter(id);
  tick(id);
  leave();
}
