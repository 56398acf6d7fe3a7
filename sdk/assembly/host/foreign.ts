import { proxy_call_foreign_function } from "../abi/env";
import { clear, pointer, resultPointer, resultSize, size } from "../abi/result";
import { copyBytes, encode, encodedSize } from "../abi/text";
import { Status } from "./status";

/** The route of the current request is chosen anew when the next filter asks for it. */
export function clearRouteCache(): Status {
  const name = encode("clear_route_cache");
  return <Status>proxy_call_foreign_function(name, encodedSize, 0, 0, 0, 0);
}

/** Calls a function that returns nothing. */
export function runForeign(name: string, argument: usize, argumentSize: usize): Status {
  const text = encode(name);
  return <Status>proxy_call_foreign_function(text, encodedSize, argument, argumentSize, 0, 0);
}

/** Calls a function; its result is where `pointer` and `size` (abi/result.ts) say. */
export function callForeign(name: string, argument: usize, argumentSize: usize): Status {
  const text = encode(name);
  clear();
  return <Status>proxy_call_foreign_function(text, encodedSize, argument, argumentSize, resultPointer, resultSize);
}

/** The result of `callForeign`. */
export function foreignResult(): ArrayBuffer {
  return copyBytes(pointer(), size());
}
