import { LOG_LEVELS, Status } from "../status.js";
import type { Vm } from "../vm.js";
import { giveU32, giveU64, type HostFunctions } from "./result.js";

export function logFunctions(vm: Vm): HostFunctions {
  return {
    log(level: number, pointer: number, size: number) {
      const name = LOG_LEVELS[level];
      if (name === undefined) return Status.BadArgument;
      const bytes = vm.memory.read(pointer, size);
      if (bytes === undefined) return Status.InvalidMemoryAccess;
      vm.log(name, bytes.toString("utf8"));
      return Status.Ok;
    },
    get_log_level: (at: number) => giveU32(vm, vm.services.logLevel, at),
    get_current_time_nanoseconds: (at: number) => giveU64(vm, vm.services.clock.wallNs, at),
  };
}
