import { WASI_MODULES } from "../signatures.js";
import { Errno, Status } from "../status.js";
import type { Vm } from "../vm.js";
import type { WasmFunction } from "../wasm-types.js";
import { bufferFunctions } from "./buffers.js";
import { foreignFunctions } from "./foreign.js";
import { grpcFunctions } from "./grpc.js";
import { headerFunctions } from "./headers.js";
import { httpCallFunctions } from "./http-call.js";
import { logFunctions } from "./log.js";
import { metricFunctions } from "./metrics.js";
import { propertyFunctions } from "./properties.js";
import type { AnyFunction, HostFunctions } from "./result.js";
import { sharedFunctions } from "./shared.js";
import { streamFunctions } from "./streams.js";
import { wasiFunctions } from "./wasi.js";

const GROUPS = [
  logFunctions,
  headerFunctions,
  bufferFunctions,
  propertyFunctions,
  sharedFunctions,
  metricFunctions,
  streamFunctions,
  httpCallFunctions,
  grpcFunctions,
  foreignFunctions,
];

/** Every function that a module can import, by `module.name`; those the VM may not call answer as Envoy's stubs do. */
export function createHostFunctions(vm: Vm): ReadonlyMap<string, WasmFunction> {
  const { capabilities } = vm.services;
  const all = new Map<string, WasmFunction>();
  const add = (full: string, capability: string, fn: AnyFunction, refused: number): void => {
    const kind = refused === Errno.NotCapable ? "WASI" : "proxy-wasm";
    const stub = (): number => {
      vm.logAsHost("error", `Attempted call to restricted ${kind} capability: ${capability}`);
      return refused;
    };
    all.set(full, capabilities === undefined || capabilities.has(capability) ? fn : stub);
  };
  for (const group of GROUPS) {
    for (const [name, fn] of entries(group(vm))) add(`env.proxy_${name}`, `proxy_${name}`, fn, Status.InternalFailure);
  }
  for (const module of WASI_MODULES) {
    for (const [name, fn] of entries(wasiFunctions(vm))) add(`${module}.${name}`, name, fn, Errno.NotCapable);
  }
  all.set("env.pthread_equal", (left, right) => (left === right ? 1 : 0));
  all.set("env.emscripten_notify_memory_growth", () => undefined);
  all.set("env.envoy_resolve_dns", () => Status.Unimplemented);
  return all;
}

function entries(functions: HostFunctions): [string, AnyFunction][] {
  return Object.entries(functions) as unknown as [string, AnyFunction][];
}
