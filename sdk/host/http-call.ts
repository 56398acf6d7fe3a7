import type { HttpCall } from "./call.js";
import type { CallResponse, RootContext } from "./context.js";
import { HostError } from "./errors.js";
import { type HeaderList, HeaderMap } from "./header-map.js";
import { Status } from "./status.js";
import type { Vm } from "./vm.js";

export interface HttpCallRequest {
  token: number;
  cluster: string;
  headers: HeaderList;
  body: Uint8Array;
  trailers: HeaderList;
  timeoutMs: number;
}

const NO_CONNECTION =
  "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure";
/* The router under the call adds it. */
const SERVICE_TIME = "x-envoy-upstream-service-time";

export function createHttpCall(vm: Vm, root: RootContext, request: HttpCallRequest): HttpCall {
  let done = false;
  const finish = (response: CallResponse | undefined): void => {
    if (call.done) throw new HostError("USAGE", `HTTP call ${call.token} to ${call.cluster} has ended already`);
    done = true;
    timer?.cancel();
    vm.services.operate(() => deliver(vm, root, request.token, response));
  };
  const synthetic = (status: number, text: string): void => {
    const headers = HeaderMap.from({
      ":status": String(status),
      "content-length": String(text.length),
      "content-type": "text/plain",
    });
    finish({ headers, body: Buffer.from(text), trailers: undefined });
  };
  const call: HttpCall = {
    kind: "http",
    ...request,
    thread: vm.thread,
    get done() {
      return done || vm.failure !== undefined || !vm.contexts.has(root.id);
    },
    respond({ status = 200, headers = [], body = "", trailers } = {}) {
      const map = HeaderMap.from({ ":status": String(status) });
      for (const [name, value] of HeaderMap.from(headers).toList()) map.add(name, value);
      if (map.get(SERVICE_TIME) === undefined) map.add(SERVICE_TIME, "0");
      finish({
        headers: map,
        body: typeof body === "string" ? Buffer.from(body) : body,
        trailers: trailers === undefined ? undefined : HeaderMap.from(trailers),
      });
    },
    fail: (reason = NO_CONNECTION) => synthetic(503, reason),
    timeout: () => synthetic(504, "upstream request timeout"),
    reset: () => finish(undefined),
  };
  const timer =
    request.timeoutMs === 0
      ? undefined
      : vm.services.clock.after(request.timeoutMs, () => {
          if (!call.done) call.timeout();
        });
  vm.services.addCall(call);
  return call;
}

/* The response can be read in the callback only. */
function deliver(vm: Vm, root: RootContext, token: number, response: CallResponse | undefined): void {
  if (response === undefined) root.status = { code: Status.BrokenConnection, message: "reset" };
  root.callResponse = response;
  vm.afterCall(() => {
    root.callResponse = undefined;
    if (response === undefined) root.status.message = "";
  });
  const counts = [response?.headers.size ?? 0, response?.body.length ?? 0, response?.trailers?.size ?? 0];
  const called = vm.callback(root, "proxy_on_http_call_response", [token, ...counts]);
  if (called === undefined) vm.runAfterCall();
}
