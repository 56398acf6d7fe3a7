import { linkProblem } from "./host-functions.js";
import { readWasmBinary } from "./wasm-binary.js";

/** A module that no proxy may see, and why. */
export interface StaticProblem {
  /** CamelCase reason of the condition. */
  readonly reason: string;
  readonly message: string;
  /** Set where the same module may pass another time: the machine may have been busy. */
  readonly transient?: true;
}

const ABI_MARKERS = ["proxy_abi_version_0_2_1", "proxy_abi_version_0_2_0", "proxy_abi_version_0_1_0"];

/** What can be known of a module without running it. Undefined when nothing is wrong. */
export function checkModule(wasm: Uint8Array, maxBytes: number): StaticProblem | undefined {
  if (wasm.length > maxBytes)
    return {
      reason: "ModuleTooLarge",
      message: `the module has ${wasm.length} bytes, more than the limit of ${maxBytes}`,
    };
  const binary = readWasmBinary(wasm);
  if (binary === undefined)
    return {
      reason: "NotWasm",
      message: `these ${wasm.length} bytes are not a valid Wasm module; push what a compiler wrote`,
    };
  if (binary.hasStart)
    return {
      reason: "StartSection",
      message:
        "the module has a start section, which can crash Envoy; compile AssemblyScript with --exportStart _initialize",
    };
  const marker = ABI_MARKERS.find((name) => binary.exports.has(name));
  if (marker === undefined)
    return {
      reason: "UnknownAbi",
      message: `the module exports none of ${ABI_MARKERS.join(", ")}; build it with a Proxy-Wasm SDK for ABI 0.2.x`,
    };
  if (marker === "proxy_abi_version_0_1_0")
    return { reason: "UnknownAbi", message: "the module is of ABI 0.1.0; rebuild it with an SDK for ABI 0.2.x" };
  for (const { module, name, signature } of binary.imports) {
    const problem = linkProblem(module, name, signature);
    if (problem !== undefined)
      return { reason: "UnknownImport", message: `the module imports ${module}.${name}: ${problem}` };
  }
  return undefined;
}
