import type { GrpcCall, GrpcStreamCall } from "./call.js";
import type { RootContext } from "./context.js";
import { HostError } from "./errors.js";
import { type HeaderInit, type HeaderList, HeaderMap } from "./header-map.js";
import { Status } from "./status.js";
import type { Vm } from "./vm.js";

export interface GrpcTarget {
  cluster: string;
  service: string;
  method: string;
  initialMetadata: HeaderList;
}

/** What the guest can do with a call that it has made. */
export interface GrpcHandle {
  send(message: Uint8Array, end: boolean): number;
  cancel(): number;
  closeLocal(): number;
}

const DEADLINE_EXCEEDED = 4;
const UNAVAILABLE = 14;
const VIA_UPSTREAM = "via_upstream";

/** A unary call: it ends with a message or with a status, never with both. */
export function createGrpcCall(
  vm: Vm,
  root: RootContext,
  request: GrpcTarget & { token: number; message: Uint8Array; timeoutMs: number },
): GrpcCall {
  const { token } = request;
  const isDone = (): boolean => !vm.grpc.has(token) || vm.failure !== undefined || !vm.contexts.has(root.id);
  const end = (body: () => void): void => {
    if (isDone()) throw new HostError("USAGE", `gRPC call ${token} to ${request.method} has ended already`);
    timer?.cancel();
    vm.services.operate(body);
  };
  const call: GrpcCall = {
    kind: "grpc",
    ...request,
    thread: vm.thread,
    get done() {
      return isDone();
    },
    respond: (message) => end(() => receive(vm, root, token, bytesOf(message), () => vm.grpc.delete(token))),
    fail: (status, message = "") => end(() => close(vm, root, token, status, message, () => vm.grpc.delete(token))),
    timeout: () => call.fail(DEADLINE_EXCEEDED),
  };
  const stop = (): number => {
    timer?.cancel();
    vm.grpc.delete(token);
    return Status.Ok;
  };
  vm.grpc.set(token, { send: () => Status.BadArgument, cancel: stop, closeLocal: stop });
  const timer =
    request.timeoutMs === 0
      ? undefined
      : vm.services.clock.after(request.timeoutMs, () => {
          if (!isDone()) call.timeout();
        });
  vm.services.addCall(call);
  return call;
}

export function createGrpcStream(vm: Vm, root: RootContext, request: GrpcTarget & { token: number }): GrpcStreamCall {
  const { token } = request;
  const sent: Uint8Array[] = [];
  let ended = false;
  let remoteClosed = false;
  const alive = (): void => {
    if (call.done) throw new HostError("USAGE", `gRPC stream ${token} to ${request.method} has ended already`);
  };
  const metadata = (key: "grpcInitialMetadata" | "grpcTrailingMetadata", callback: string, init: HeaderInit): void => {
    alive();
    vm.services.operate(() => {
      const map = HeaderMap.from(init);
      root[key] = map;
      vm.callback(root, callback, [token, map.size]);
      root[key] = undefined;
    });
  };
  const call: GrpcStreamCall = {
    kind: "grpc-stream",
    ...request,
    timeoutMs: 0,
    thread: vm.thread,
    sent,
    get ended() {
      return ended;
    },
    get done() {
      return remoteClosed || !vm.grpc.has(token) || vm.failure !== undefined || !vm.contexts.has(root.id);
    },
    receiveInitialMetadata: (init) => metadata("grpcInitialMetadata", "proxy_on_grpc_receive_initial_metadata", init),
    receiveTrailingMetadata: (init) =>
      metadata("grpcTrailingMetadata", "proxy_on_grpc_receive_trailing_metadata", init),
    receive(message) {
      alive();
      vm.services.operate(() => receive(vm, root, token, bytesOf(message), () => undefined));
    },
    close(status, message = "") {
      alive();
      remoteClosed = true;
      vm.services.operate(() =>
        close(vm, root, token, status, message, () => {
          if (ended) vm.grpc.delete(token);
        }),
      );
    },
  };
  vm.grpc.set(token, {
    send(message, end) {
      if (!remoteClosed) sent.push(message);
      if (end) ended = true;
      return Status.Ok;
    },
    cancel() {
      vm.grpc.delete(token);
      return Status.Ok;
    },
    closeLocal() {
      ended = true;
      if (remoteClosed) vm.grpc.delete(token);
      return Status.Ok;
    },
  });
  vm.services.addCall(call);
  return call;
}

/** A GrpcService may name a cluster that is not there: the call fails, and is closed all the same. */
export function failAtOnce(vm: Vm, root: RootContext, token: number): number {
  vm.afterCall(() => {
    root.status = { code: UNAVAILABLE, message: "Cluster not available" };
    vm.callback(root, "proxy_on_grpc_close", [token, UNAVAILABLE]);
  });
  return Status.InternalFailure;
}

function bytesOf(message: Uint8Array | string): Uint8Array {
  return typeof message === "string" ? Buffer.from(message) : message;
}

function receive(vm: Vm, root: RootContext, token: number, message: Uint8Array, then: () => void): void {
  root.grpcMessage = message;
  vm.afterCall(() => {
    root.grpcMessage = undefined;
    then();
  });
  if (vm.callback(root, "proxy_on_grpc_receive", [token, message.length]) === undefined) vm.runAfterCall();
}

function close(vm: Vm, root: RootContext, token: number, code: number, message: string, then: () => void): void {
  // Envoy puts its response code details behind the server's message.
  root.status = { code, message: message === "" ? VIA_UPSTREAM : `${message}{${VIA_UPSTREAM}}` };
  vm.afterCall(() => {
    root.status.message = "";
    then();
  });
  if (vm.callback(root, "proxy_on_grpc_close", [token, code]) === undefined) vm.runAfterCall();
}
