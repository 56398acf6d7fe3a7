import {
  type AbiVersion,
  describeModule,
  exportProblems,
  hostSignatures,
  importProblem,
  MalformedModule,
  type ModuleDescription,
} from "@weft/sdk/host";
import type { ModuleProblem } from "./module-problem.js";

/** What can be known of a module without running it. */
export type ModuleCheck =
  | { readonly ok: true; readonly description: ModuleDescription; readonly abi: AbiVersion }
  | { readonly ok: false; readonly problem: ModuleProblem };

const MARKERS: Readonly<Record<string, AbiVersion>> = {
  proxy_abi_version_0_2_1: "0.2.1",
  proxy_abi_version_0_2_0: "0.2.0",
};
const OLD_MARKER = "proxy_abi_version_0_1_0";

/** Looks at a module as Envoy does before it runs it, and for what Envoy does not look at and should. */
export function checkModule(wasm: Uint8Array, maxBytes: number): ModuleCheck {
  const refuse = (reason: string, message: string): ModuleCheck => ({ ok: false, problem: { reason, message } });
  if (wasm.length > maxBytes) return { ok: false, problem: tooLarge(wasm.length, maxBytes) };
  const description = describe(wasm);
  if (description instanceof MalformedModule)
    return refuse(
      "NotWasm",
      `these ${wasm.length} bytes are no valid Wasm module (${description.message}); push what a compiler wrote`,
    );
  if (description.hasStartSection)
    return refuse(
      "StartSection",
      "the module has a start section, which can crash Envoy; compile AssemblyScript with --exportStart _initialize",
    );
  const marker = Object.keys(MARKERS).find((name) => description.exports.has(name));
  const abi = marker === undefined ? undefined : MARKERS[marker];
  if (abi === undefined)
    return description.exports.has(OLD_MARKER)
      ? refuse("UnknownAbi", "the module is of ABI 0.1.0; rebuild it with an SDK for ABI 0.2.x")
      : refuse(
          "UnknownAbi",
          `the module exports none of ${Object.keys(MARKERS).join(", ")}; build it with a Proxy-Wasm SDK for ABI 0.2.x`,
        );
  const known = hostSignatures(abi);
  for (const entry of description.imports) {
    const problem = importProblem(entry, known);
    if (problem !== undefined)
      return refuse(
        "UnknownImport",
        `Envoy cannot link the module: ${problem}; build it with a Proxy-Wasm SDK, and with no library that needs another host`,
      );
  }
  const [badExport] = exportProblems(description.exports);
  if (badExport !== undefined) return refuse("BadExport", `${badExport}; build it with a Proxy-Wasm SDK for ABI 0.2.x`);
  return { ok: true, description, abi };
}

export function tooLarge(bytes: number, maxBytes: number): ModuleProblem {
  const message = `the module has ${bytes} bytes, more than limits.maxModuleSize, which is ${maxBytes}; build it without debug information, or raise the limit`;
  return { reason: "ModuleTooLarge", message };
}

function describe(wasm: Uint8Array): ModuleDescription | MalformedModule {
  try {
    return describeModule(wasm);
  } catch (error) {
    if (error instanceof MalformedModule) return error;
    throw error;
  }
}
