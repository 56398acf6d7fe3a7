/*
 * WASI as Envoy has it: standard output and error become log lines, there are clocks, random bytes and the environment,
 * and everything else says that it is not there. https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview1/docs.md
 */
import { Errno } from "../status.js";
import type { Vm } from "../vm.js";
import type { HostFunctions } from "./result.js";

const MAX_RANDOM_BYTES = 65_536;
const OUTPUT = new Map([
  [1, "info"],
  [2, "error"],
] as const);

export function wasiFunctions(vm: Vm): HostFunctions {
  const { services } = vm;
  const fault = (ok: boolean): number => (ok ? Errno.Success : Errno.Fault);
  const file = (fd: number): number => (OUTPUT.has(fd as 1) ? Errno.Success : Errno.BadFile);
  const notSupported = (): number => Errno.NotSupported;

  const write = (fd: number, vectors: number, count: number, writtenAt: number): number => {
    const level = OUTPUT.get(fd as 1);
    if (level === undefined) return Errno.BadFile;
    const parts: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      const pointer = vm.memory.readU32(vectors + i * 8);
      const size = vm.memory.readU32(vectors + i * 8 + 4);
      const part = pointer === undefined || size === undefined ? undefined : vm.memory.read(pointer, size);
      if (part === undefined) return Errno.Fault;
      parts.push(part);
    }
    const text = Buffer.concat(parts);
    if (text.length > 0) vm.log(level, text.toString("utf8").replace(/\n$/, ""));
    return fault(vm.memory.writeU32(writtenAt, text.length));
  };

  const environment = services.env.map(([name, value]) => Buffer.from(`${name}=${value}\0`));
  const clock = (id: number): bigint | undefined =>
    id === 0 ? services.clock.wallNs : id === 1 ? services.clock.monotonicNs : undefined;
  const pointerResult = (at: number): number => (vm.memory.writeU32(at, 0) ? Errno.NotSupported : Errno.Fault);

  return {
    fd_write: write,
    fd_pwrite: (fd: number, vectors: number, count: number, _offset: bigint, at: number) =>
      write(fd, vectors, count, at),
    fd_read: () => Errno.NoSystem,
    fd_pread: () => Errno.NoSystem,
    fd_seek: () => Errno.Success,
    fd_close: () => Errno.Success,
    fd_fdstat_get(fd: number, at: number) {
      if (file(fd) !== Errno.Success) return Errno.BadFile;
      const stat = Buffer.alloc(24);
      stat.writeUInt32LE(64, 8);
      vm.memory.write(at, stat);
      return Errno.Success;
    },
    fd_fdstat_set_flags: () => Errno.NoSystem,
    fd_fdstat_set_rights: file,
    fd_advise: () => Errno.Success,
    fd_allocate: file,
    fd_datasync: file,
    fd_sync: file,
    fd_filestat_set_size: file,
    fd_filestat_set_times: file,
    fd_filestat_get: () => Errno.BadFile,
    fd_prestat_get: () => Errno.BadFile,
    fd_prestat_dir_name: () => Errno.NoSystem,
    fd_readdir: (_fd: number, _buffer: number, _size: number, _cookie: bigint, at: number) =>
      vm.memory.writeU32(at, 0) ? Errno.NotDirectory : Errno.Fault,
    fd_renumber: (fd: number, to: number) => file(fd) || file(to) || Errno.NotSupported,
    fd_tell: (fd: number, at: number) => file(fd) || fault(vm.memory.writeU64(at, 0n)),
    path_open: () => Errno.NoEntry,
    path_create_directory: notSupported,
    path_filestat_get: notSupported,
    path_filestat_set_times: notSupported,
    path_link: notSupported,
    path_readlink: (_fd: number, _path: number, _size: number, _buffer: number, _length: number, at: number) =>
      pointerResult(at),
    path_remove_directory: notSupported,
    path_rename: notSupported,
    path_symlink: notSupported,
    path_unlink_file: notSupported,
    sock_accept: (_fd: number, _flags: number, at: number) =>
      vm.memory.writeU64(at, 0n) ? Errno.NotSupported : Errno.Fault,
    sock_recv: (_fd: number, _data: number, _size: number, _flags: number, at: number) => pointerResult(at),
    sock_send: (_fd: number, _data: number, _size: number, _flags: number, at: number) => pointerResult(at),
    sock_shutdown: notSupported,
    environ_sizes_get(countAt: number, sizeAt: number) {
      const size = environment.reduce((sum, entry) => sum + entry.length, 0);
      return fault(vm.memory.writeU32(countAt, environment.length) && vm.memory.writeU32(sizeAt, size));
    },
    environ_get(pointers: number, buffer: number) {
      let at = buffer;
      for (const [i, entry] of environment.entries()) {
        if (!vm.memory.writeU32(pointers + i * 4, at) || !vm.memory.write(at, entry)) return Errno.Fault;
        at += entry.length;
      }
      return Errno.Success;
    },
    args_sizes_get: (countAt: number, sizeAt: number) =>
      fault(vm.memory.writeU32(countAt, 0) && vm.memory.writeU32(sizeAt, 0)),
    args_get: () => Errno.Success,
    clock_time_get(id: number, _precision: bigint, at: number) {
      const now = clock(id);
      return now === undefined ? Errno.NotSupported : fault(vm.memory.writeU64(at, now));
    },
    clock_res_get: (id: number, at: number) =>
      clock(id) === undefined ? Errno.NotSupported : fault(vm.memory.writeU64(at, 1n)),
    random_get(at: number, size: number) {
      if (size > MAX_RANDOM_BYTES) return Errno.Invalid;
      return size === 0 ? Errno.Success : fault(vm.memory.write(at, services.random(size)));
    },
    sched_yield: () => Errno.Success,
    poll_oneoff: (_in: number, _out: number, _count: number, at: number) => fault(vm.memory.writeU32(at, 0)),
    proc_exit: () => Errno.Success,
  };
}
