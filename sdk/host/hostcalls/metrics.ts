import { Status } from "../status.js";
import type { Vm } from "../vm.js";
import { byteText, giveU32, giveU64, type HostFunctions } from "./result.js";

export function metricFunctions(vm: Vm): HostFunctions {
  return {
    define_metric(type: number, pointer: number, size: number, idAt: number) {
      const bytes = vm.memory.read(pointer, size);
      if (bytes === undefined) return Status.InvalidMemoryAccess;
      const name = byteText(bytes);
      const defined = vm.metrics.define(type, name);
      if (defined === undefined) return Status.BadArgument;
      if (defined.again) {
        const message = `metric ${name} is defined again in one VM: Envoy keeps every definition; keep the id instead`;
        vm.services.violation({ kind: "metric", message });
      }
      return giveU32(vm, defined.id, idAt);
    },
    increment_metric: (id: number, delta: bigint) => vm.metrics.increment(id, BigInt.asIntN(64, delta)),
    record_metric: (id: number, value: bigint) => vm.metrics.record(id, BigInt.asUintN(64, value)),
    get_metric(id: number, at: number) {
      const value = vm.metrics.get(id);
      return typeof value === "number" ? value : giveU64(vm, value, at);
    },
  };
}
