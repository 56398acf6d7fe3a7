import { createGrpcCall, createGrpcStream, failAtOnce, type GrpcTarget } from "../grpc-call.js";
import { HeaderMap } from "../header-map.js";
import { decodePairs } from "../pairs.js";
import { readFields } from "../protobuf.js";
import { Status } from "../status.js";
import type { Vm } from "../vm.js";
import { giveU32, type HostFunctions, readAll } from "./result.js";

const KIND_MASK = 3;

export function grpcFunctions(vm: Vm): HostFunctions {
  const isThere = (cluster: string): boolean => vm.services.clusters?.has(cluster) ?? true;
  const target = (service: Uint8Array): string | number => {
    const fields = readFields(service);
    if (fields === undefined) {
      const name = Buffer.from(service).toString();
      return isThere(name) ? name : Status.ParseFailure;
    }
    const envoyGrpc = fields.get(1);
    if (envoyGrpc instanceof Uint8Array) {
      const name = readFields(envoyGrpc)?.get(1);
      if (name instanceof Uint8Array) return Buffer.from(name).toString();
    }
    if (fields.has(2)) return "google_grpc";
    const message = "the gRPC service reads as a GrpcService without a target: Envoy 1.40 aborts; name a cluster in it";
    vm.services.violation({ kind: "crash", message });
    return Status.BadArgument;
  };
  const open = (args: readonly number[]): (GrpcTarget & { rest: Buffer[] }) | number => {
    const [service, name, method, metadata, ...rest] = readAll(vm, ...args) ?? [];
    if (service === undefined || name === undefined || method === undefined || metadata === undefined) {
      return Status.InvalidMemoryAccess;
    }
    const cluster = target(service);
    if (typeof cluster === "number") return cluster;
    const initialMetadata = HeaderMap.from(decodePairs(metadata)).toList();
    return { cluster, service: name.toString(), method: method.toString(), initialMetadata, rest };
  };
  return {
    grpc_call(...args: number[]) {
      const { root } = vm.effective;
      const opened = open(args.slice(0, 10));
      if (typeof opened === "number") return opened;
      if (root === undefined) return Status.BadArgument;
      const token = vm.allocateCallId(1);
      if (!isThere(opened.cluster)) return failAtOnce(vm, root, token);
      const [message = new Uint8Array()] = opened.rest;
      createGrpcCall(vm, root, { ...opened, token, message, timeoutMs: args[10] ?? 0 });
      return giveU32(vm, token, args[11] ?? 0);
    },
    grpc_stream(...args: number[]) {
      const { root } = vm.effective;
      const opened = open(args.slice(0, 8));
      if (typeof opened === "number") return opened;
      if (root === undefined) return Status.BadArgument;
      const token = vm.allocateCallId(2);
      if (!isThere(opened.cluster)) return failAtOnce(vm, root, token);
      createGrpcStream(vm, root, { ...opened, token });
      return giveU32(vm, token, args[8] ?? 0);
    },
    grpc_send(token: number, pointer: number, size: number, end: number) {
      const bytes = vm.memory.read(pointer, size);
      if (bytes === undefined) return Status.InvalidMemoryAccess;
      if ((token & KIND_MASK) !== 2) return Status.BadArgument;
      return vm.grpc.get(token)?.send(bytes, end !== 0) ?? Status.NotFound;
    },
    grpc_cancel: (token: number) => {
      if ((token & KIND_MASK) === 0 || (token & KIND_MASK) === 3) return Status.BadArgument;
      return vm.grpc.get(token)?.cancel() ?? Status.NotFound;
    },
    grpc_close: (token: number) => {
      if ((token & KIND_MASK) === 0 || (token & KIND_MASK) === 3) return Status.BadArgument;
      return vm.grpc.get(token)?.closeLocal() ?? Status.NotFound;
    },
  };
}
