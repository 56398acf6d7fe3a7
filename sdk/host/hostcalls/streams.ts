import { StreamType } from "../context.js";
import { decodePairs } from "../pairs.js";
import { Status } from "../status.js";
import type { Vm } from "../vm.js";
import { byteText, giveBytes, giveU32, type HostFunctions, readAll } from "./result.js";

const NO_GRPC_STATUS_ABOVE = 16;

export function streamFunctions(vm: Vm): HostFunctions {
  return {
    continue_stream: (type: number) =>
      type > StreamType.Upstream ? Status.BadArgument : vm.effective.continueStream(type),
    close_stream: (type: number) => (type > StreamType.Upstream ? Status.BadArgument : vm.effective.closeStream(type)),
    send_local_response(
      status: number,
      details: number,
      detailsSize: number,
      body: number,
      bodySize: number,
      headers: number,
      headersSize: number,
      grpcStatus: number,
    ) {
      const [text, bytes, pairs] = readAll(vm, details, detailsSize, body, bodySize, headers, headersSize) ?? [];
      if (text === undefined || bytes === undefined || pairs === undefined) return Status.InvalidMemoryAccess;
      vm.effective.sendLocalReply({
        status,
        details: byteText(text).replaceAll(/\s/g, "_"),
        body: bytes,
        headers: decodePairs(pairs),
        grpcStatus: grpcStatus > NO_GRPC_STATUS_ABOVE ? undefined : grpcStatus,
      });
      vm.stopIteration = true;
      return Status.Ok;
    },
    set_effective_context: (id: number) => (vm.setEffective(id) ? Status.Ok : Status.BadArgument),
    set_tick_period_milliseconds(periodMs: number) {
      const { root } = vm.effective;
      if (root !== undefined) vm.ticks.set(root, periodMs);
      return Status.Ok;
    },
    done() {
      const { root } = vm.effective;
      if (root === undefined || !vm.pendingDone.delete(root)) return Status.NotFound;
      vm.afterCall(() => {
        vm.callback(root, "proxy_on_delete", []);
        vm.contexts.delete(root.id);
      });
      return Status.Ok;
    },
    get_status(codeAt: number, at: number, sizeAt: number) {
      const { code, message } = vm.effective.root?.status ?? { code: 0, message: "" };
      return giveU32(vm, code, codeAt) || giveBytes(vm, Buffer.from(message), at, sizeAt);
    },
  };
}
