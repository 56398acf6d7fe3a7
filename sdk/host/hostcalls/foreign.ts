import { Status } from "../status.js";
import type { Vm } from "../vm.js";
import { builtInForeign } from "./foreign-built-in.js";
import { giveU32, type HostFunctions, readAll } from "./result.js";

export function foreignFunctions(vm: Vm): HostFunctions {
  return {
    call_foreign_function(
      name: number,
      nameSize: number,
      argument: number,
      argumentSize: number,
      at: number,
      sizeAt: number,
    ) {
      const [text, bytes] = readAll(vm, name, nameSize, argument, argumentSize) ?? [];
      if (text === undefined || bytes === undefined) return Status.InvalidMemoryAccess;
      const fn = vm.services.foreign.get(text.toString()) ?? builtInForeign(vm, text.toString());
      if (fn === undefined) return Status.NotFound;
      const result = fn(bytes);
      const given = typeof result === "object" ? result : new Uint8Array();
      const pointer = given.length === 0 || at === 0 ? 0 : vm.allocate(given);
      if (pointer === undefined) return Status.InvalidMemoryAccess;
      const written =
        (at === 0 ? 0 : giveU32(vm, pointer, at)) || (sizeAt === 0 ? 0 : giveU32(vm, given.length, sizeAt));
      return written || (typeof result === "number" ? result : Status.Ok);
    },
  };
}
