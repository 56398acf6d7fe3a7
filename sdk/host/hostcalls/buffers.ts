import { BufferType } from "../context.js";
import { Status } from "../status.js";
import type { Vm } from "../vm.js";
import { giveBytes, giveU32, type HostFunctions } from "./result.js";

const LAST_BUFFER = BufferType.CallData;

export function bufferFunctions(vm: Vm): HostFunctions {
  return {
    get_buffer_bytes(type: number, start: number, max: number, at: number, sizeAt: number) {
      if (type > LAST_BUFFER) return Status.BadArgument;
      const buffer = vm.effective.buffer(type);
      if (buffer === undefined) return Status.NotFound;
      return giveBytes(vm, buffer.bytes.subarray(start, start + max), at, sizeAt);
    },
    get_buffer_status(type: number, sizeAt: number, flagsAt: number) {
      if (type > LAST_BUFFER) return Status.BadArgument;
      const buffer = vm.effective.buffer(type);
      if (buffer === undefined) return Status.NotFound;
      return giveU32(vm, buffer.bytes.length, sizeAt) || giveU32(vm, 0, flagsAt);
    },
    set_buffer_bytes(type: number, start: number, size: number, pointer: number, length: number) {
      if (type > LAST_BUFFER) return Status.BadArgument;
      const target = vm.effective.buffer(type);
      if (target === undefined) return Status.NotFound;
      const bytes = vm.memory.read(pointer, length);
      if (bytes === undefined) return Status.InvalidMemoryAccess;
      const status = target.buffer?.write(start, size, bytes) ?? Status.BadArgument;
      if (status === Status.BadArgument) {
        const why =
          target.buffer === undefined ? "there is no such buffer to write now" : "only its ends can be written";
        vm.services.violation({ kind: "phase", message: `proxy_set_buffer_bytes of buffer ${type}: ${why}` });
      }
      return status;
    },
  };
}
