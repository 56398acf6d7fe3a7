import { type Context, MapType } from "../context.js";
import type { HeaderMap } from "../header-map.js";
import { decodePairs, encodePairs } from "../pairs.js";
import { Status } from "../status.js";
import type { Vm } from "../vm.js";
import { byteText, giveBytes, giveU32, type HostFunctions, readAll } from "./result.js";

const LAST_MAP = MapType.CallTrailers;
const NAMES = [
  "request headers",
  "request trailers",
  "response headers",
  "response trailers",
  "gRPC initial metadata",
  "gRPC trailing metadata",
  "call response headers",
  "call response trailers",
];

export function headerFunctions(vm: Vm): HostFunctions {
  const refuse = (what: string, type: number): number => {
    const message = `proxy_${what} of the ${NAMES[type] ?? "?"}: Envoy answers BAD_ARGUMENT, they are not there now`;
    vm.services.violation({ kind: "phase", message });
    return Status.BadArgument;
  };
  const change = (name: string, type: number, args: number[], apply: (map: HeaderMap, ...texts: string[]) => void) => {
    if (type > LAST_MAP) return Status.BadArgument;
    const context: Context = vm.effective;
    const texts = readAll(vm, ...args);
    if (texts === undefined) return Status.InvalidMemoryAccess;
    const map = context.mutableMap(type);
    if (map === undefined) return refuse(name, type);
    apply(map, ...texts.map(byteText));
    context.headersModified(type);
    return Status.Ok;
  };
  return {
    get_header_map_value(type: number, key: number, keySize: number, at: number, sizeAt: number) {
      if (type > LAST_MAP) return Status.BadArgument;
      const context = vm.effective;
      const name = vm.memory.read(key, keySize);
      if (name === undefined) return Status.InvalidMemoryAccess;
      const map = context.readMap(type);
      if (map === undefined) return context.logging ? Status.NotFound : refuse("get_header_map_value", type);
      const value = map.get(byteText(name));
      return value === undefined ? Status.NotFound : giveBytes(vm, Buffer.from(value, "latin1"), at, sizeAt);
    },
    add_header_map_value: (type: number, key: number, keySize: number, value: number, size: number) =>
      change("add_header_map_value", type, [key, keySize, value, size], (map, name = "", text = "") =>
        map.add(name, text),
      ),
    replace_header_map_value: (type: number, key: number, keySize: number, value: number, size: number) =>
      change("replace_header_map_value", type, [key, keySize, value, size], (map, name = "", text = "") =>
        map.set(name, text),
      ),
    remove_header_map_value: (type: number, key: number, keySize: number) =>
      change("remove_header_map_value", type, [key, keySize], (map, name = "") => map.remove(name)),
    get_header_map_pairs(type: number, at: number, sizeAt: number) {
      if (type > LAST_MAP) return Status.BadArgument;
      const pairs = vm.effective.readMap(type)?.toList() ?? [];
      return giveBytes(vm, pairs.length === 0 ? new Uint8Array() : encodePairs(pairs), at, sizeAt);
    },
    set_header_map_pairs: (type: number, pointer: number, size: number) =>
      change("set_header_map_pairs", type, [pointer, size], (map, text = "") => {
        const pairs = decodePairs(Buffer.from(text, "latin1"));
        map.clear();
        for (const [name, value] of pairs) map.add(name, value);
      }),
    get_header_map_size(type: number, at: number) {
      if (type > LAST_MAP) return Status.BadArgument;
      const map = vm.effective.mutableMap(type);
      return map === undefined ? refuse("get_header_map_size", type) : giveU32(vm, map.byteSize, at);
    },
  };
}
