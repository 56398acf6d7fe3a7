import { grpcClose } from "../../grpc";
import { enter, leave } from "../boundary";

export function proxy_on_grpc_close(root: u32, token: u32, status: u32): void {
  enter(root);
  grpcClose(token, status);
  leave();
}
