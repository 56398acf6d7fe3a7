import { foreignFunction } from "../../dispatcher";
import { enter, leave } from "../boundary";

export function proxy_on_foreign_function(id: u32, functionId: u32, size: u32): void {
  enter(id);
  foreignFunction(id, functionId, size);
  leave();
}
