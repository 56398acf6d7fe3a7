import { lookUpProperty } from "../property-lookup.js";
import { Status } from "../status.js";
import type { Vm } from "../vm.js";
import { byteText, giveBytes, type HostFunctions, readAll } from "./result.js";

export function propertyFunctions(vm: Vm): HostFunctions {
  return {
    get_property(path: number, pathSize: number, at: number, sizeAt: number) {
      const bytes = vm.memory.read(path, pathSize);
      if (bytes === undefined) return Status.InvalidMemoryAccess;
      const found = lookUpProperty(vm.effective, byteText(bytes));
      return typeof found === "number" ? found : giveBytes(vm, found, at, sizeAt);
    },
    set_property(path: number, pathSize: number, value: number, size: number) {
      const [name, bytes] = readAll(vm, path, pathSize, value, size) ?? [];
      if (name === undefined || bytes === undefined) return Status.InvalidMemoryAccess;
      const context = vm.effective;
      const state = context.filterState();
      if (state === undefined) return Status.NotFound;
      const key = `wasm.${byteText(name)}`;
      const existing = state.get(key);
      // A read-only property can be set once.
      if (existing?.readonly === true) return Status.BadArgument;
      const readonly = existing?.readonly ?? context.root?.declared.get(byteText(name))?.readonly ?? false;
      state.set(key, { value: bytes, readonly });
      return Status.Ok;
    },
  };
}
