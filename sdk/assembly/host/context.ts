import { proxy_done, proxy_get_status, proxy_set_effective_context } from "../abi/env";
import { clear, pointer, resultPointer, resultSize, resultWord, size } from "../abi/result";
import { decode } from "../abi/text";
import { Status } from "./status";

/** The following host calls are about this context; BadArgument where it is gone. */
export function setEffectiveContext(id: u32): Status {
  return <Status>proxy_set_effective_context(id);
}

/** A root whose onDone returned false is finished. */
export function reportDone(): Status {
  return <Status>proxy_done();
}

/** What Envoy says about how the root's last call ended: a gRPC status, in words. */
export function callMessage(): string {
  clear();
  if (proxy_get_status(resultWord, resultPointer, resultSize) != Status.Ok) return "";
  return decode(pointer(), size());
}
