import { Status } from "../status.js";
import type { Vm } from "../vm.js";
import { byteText, giveBytes, giveU32, type HostFunctions, readAll } from "./result.js";

export function sharedFunctions(vm: Vm): HostFunctions {
  const { sharedData, queues, vmId } = vm.services;
  return {
    get_shared_data(key: number, keySize: number, at: number, sizeAt: number, casAt: number) {
      const name = vm.memory.read(key, keySize);
      if (name === undefined) return Status.InvalidMemoryAccess;
      const entry = sharedData.get(vmId, byteText(name));
      if (entry === undefined) return Status.NotFound;
      return giveBytes(vm, entry.value, at, sizeAt) || giveU32(vm, entry.cas, casAt);
    },
    set_shared_data(key: number, keySize: number, value: number, size: number, cas: number) {
      const [name, bytes] = readAll(vm, key, keySize, value, size) ?? [];
      if (name === undefined || bytes === undefined) return Status.InvalidMemoryAccess;
      return sharedData.set(vmId, byteText(name), bytes, cas);
    },
    register_shared_queue(name: number, nameSize: number, tokenAt: number) {
      const bytes = vm.memory.read(name, nameSize);
      if (bytes === undefined) return Status.InvalidMemoryAccess;
      const { root } = vm.effective;
      const token = queues.register(vmId, byteText(bytes), (ready) =>
        vm.services.post(() => {
          const target = vm.services.vmOf(vm.thread);
          const context = root === undefined ? undefined : target?.contexts.get(root.id);
          if (context !== undefined) target?.callback(context, "proxy_on_queue_ready", [ready]);
        }),
      );
      return giveU32(vm, token, tokenAt);
    },
    resolve_shared_queue(vmName: number, vmNameSize: number, name: number, nameSize: number, tokenAt: number) {
      const [id, bytes] = readAll(vm, vmName, vmNameSize, name, nameSize) ?? [];
      if (id === undefined || bytes === undefined) return Status.InvalidMemoryAccess;
      const token = queues.resolve(id.length === 0 ? vmId : byteText(id), byteText(bytes));
      return token === undefined ? Status.NotFound : giveU32(vm, token, tokenAt);
    },
    enqueue_shared_queue(token: number, pointer: number, size: number) {
      const bytes = vm.memory.read(pointer, size);
      if (bytes === undefined) return Status.InvalidMemoryAccess;
      return queues.enqueue(token, bytes) ? Status.Ok : Status.NotFound;
    },
    dequeue_shared_queue(token: number, at: number, sizeAt: number) {
      const item = queues.dequeue(token);
      if (item === undefined) return Status.NotFound;
      return item === "empty" ? Status.Empty : giveBytes(vm, item, at, sizeAt);
    },
  };
}
