import { HeaderMap } from "../header-map.js";
import { createHttpCall } from "../http-call.js";
import { decodePairs } from "../pairs.js";
import { Status } from "../status.js";
import type { Vm } from "../vm.js";
import { giveU32, type HostFunctions, readAll } from "./result.js";

export function httpCallFunctions(vm: Vm): HostFunctions {
  return {
    http_call(
      cluster: number,
      clusterSize: number,
      headers: number,
      headersSize: number,
      body: number,
      bodySize: number,
      trailers: number,
      trailersSize: number,
      timeout: number,
      tokenAt: number,
    ) {
      const { root } = vm.effective;
      const read = readAll(vm, cluster, clusterSize, headers, headersSize, body, bodySize, trailers, trailersSize);
      const [name, pairs, bytes, trailing] = read ?? [];
      if (name === undefined || pairs === undefined || bytes === undefined || trailing === undefined) {
        return Status.InvalidMemoryAccess;
      }
      if (!vm.memory.writeU32(tokenAt, 0)) return Status.InvalidMemoryAccess;
      const { clusters } = vm.services;
      const map = HeaderMap.from(decodePairs(pairs));
      const missing = [":path", ":method", ":authority"].some((key) => map.get(key) === undefined);
      const known = clusters === undefined || clusters.has(name.toString());
      if (root === undefined || (timeout | 0) < 0 || !known || missing) return Status.BadArgument;
      if (bytes.length > 0) map.setInPlace("content-length", String(bytes.length));
      const token = vm.allocateCallId(0);
      createHttpCall(vm, root, {
        token,
        cluster: name.toString(),
        headers: map.toList(),
        body: bytes,
        trailers: HeaderMap.from(decodePairs(trailing)).toList(),
        timeoutMs: timeout,
      });
      return giveU32(vm, token, tokenAt);
    },
  };
}
