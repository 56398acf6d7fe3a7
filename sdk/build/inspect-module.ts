import { HostError } from "../host/errors.js";
import { exportProblems, importProblem, loadModule } from "../host/module.js";
import { CALLBACKS, formatSignature, hostSignatures } from "../host/signatures.js";
import { PAGE_BYTES } from "../host/wasm-types.js";
import { MalformedModule } from "../wasm/byte-reader.js";
import { describeModule, type ExternalKind, type ModuleDescription } from "../wasm/describe-module.js";
import { functionNames } from "../wasm/function-names.js";
import { SECTION } from "../wasm/sections.js";
import { groupOrder, importGroup } from "./import-groups.js";

/** What can be known of a module without running it. Lists are sorted, unless they say otherwise. */
export interface ModuleReport {
  bytes: number;
  /** Versions that the module says it is of, in its order. */
  abi: string[];
  /** The one that Envoy takes: the first that it knows. */
  usedAbi?: string;
  imports: ImportReport[];
  /** Exported `proxy_on_…` functions. */
  callbacks: string[];
  /** Other exported functions that Envoy looks up, for example malloc. */
  entryPoints: string[];
  otherExports: { name: string; kind: ExternalKind }[];
  memory?: MemoryReport;
  hasStartSection: boolean;
  /** Bytes of the functions' code and of the data segments. */
  codeBytes: number;
  dataBytes: number;
  /** In the order of the module. */
  sections: { name: string; bytes: number }[];
  functions: number;
  /** Whether Envoy's backtraces have names. */
  hasNames: boolean;
  /** The functions with the most code, largest first; at most 10. Empty where the module has no names. */
  largest: { name: string; bytes: number }[];
  problems: ModuleProblem[];
}

/** A function that the module imports. */
export interface ImportReport {
  module: string;
  name: string;
  /** What it is for. */
  group: string;
  /** As Envoy prints types: `i32 i32 -> i32`. */
  type: string;
  /** Why Envoy does not link it. */
  problem?: string;
}

/** The module's memory. */
export interface MemoryReport {
  /** Comes from the host, not the module. */
  isImported: boolean;
  initialBytes: number;
  /** Absent: what Envoy allows. */
  maximumBytes?: number;
}

/** An error: Envoy, or Weft's pre-flight, does not load the module. */
export interface ModuleProblem {
  severity: "error" | "warning";
  message: string;
}

/** What is in the module, or why it cannot be read. */
export type InspectModuleResult = { ok: true; report: ModuleReport } | { ok: false; message: string };

const LARGEST = 10;
/** What the pre-flight allows a VM. */
const MAX_INITIAL_BYTES = 32 * 1024 * 1024;
const MARKER = /^proxy_abi_version_(\d+)_(\d+)_(\d+)$/;
const KNOWN_TO_ENVOY = ["0.1.0", "0.2.0", "0.2.1"];
const RUN_BY_WEFT = ["0.2.0", "0.2.1"];
const SECTION_NAMES = new Map<number, string>(Object.entries(SECTION).map(([name, id]) => [id, name]));

/** Reads a module; nothing of it runs. Not ok where the bytes are no Wasm module. */
export function inspectModule(wasm: Uint8Array): InspectModuleResult {
  try {
    const description = describeModule(wasm);
    return { ok: true, report: reportOf(wasm, description) };
  } catch (error) {
    if (!(error instanceof MalformedModule)) throw error;
    return { ok: false, message: `these ${wasm.length} bytes are no Wasm module: ${error.message}` };
  }
}

function reportOf(wasm: Uint8Array, description: ModuleDescription): ModuleReport {
  const { exportKinds, hasStartSection, codeBytes, sections } = description;
  const abi = [...exportKinds.keys()].flatMap((name) => MARKER.exec(name)?.slice(1).join(".") ?? []);
  const usedAbi = abi.find((version) => KNOWN_TO_ENVOY.includes(version));
  const names = functionNames(wasm);
  const memory = memoryOf(description);
  const all = [...exportKinds].map(([name, kind]) => ({ name, kind })).sort(byName);
  const functions = all.filter(({ name, kind }) => kind === "function" && !MARKER.test(name)).map(({ name }) => name);
  const isCallback = (name: string): boolean => name.startsWith("proxy_on_") && name in CALLBACKS;
  const report: Omit<ModuleReport, "problems"> = {
    bytes: wasm.length,
    abi,
    ...(usedAbi === undefined ? {} : { usedAbi }),
    imports: importsOf(description, usedAbi),
    callbacks: functions.filter(isCallback),
    entryPoints: functions.filter((name) => name in CALLBACKS && !isCallback(name)),
    otherExports: all.filter(({ name, kind }) => kind !== "function" || !(name in CALLBACKS || MARKER.test(name))),
    ...(memory === undefined ? {} : { memory }),
    hasStartSection,
    codeBytes: sum(codeBytes),
    dataBytes: sum(sections.filter(({ id }) => id === SECTION.data).map(({ bytes }) => bytes)),
    sections: sections.map(({ id, name, bytes }) => ({ name: sectionName(id, name), bytes })),
    functions: codeBytes.length,
    hasNames: names.size > 0,
    largest: largest(description, names),
  };
  return { ...report, problems: problemsOf(wasm, description, report) };
}

function importsOf({ imports }: ModuleDescription, abi: string | undefined): ImportReport[] {
  // A module of another ABI is refused for that; its functions are compared with the newest.
  const known = hostSignatures(abi === "0.2.0" ? "0.2.0" : "0.2.1");
  return imports
    .map((entry): ImportReport => {
      const { module, name, kind, signature } = entry;
      const problem = importProblem(entry, known);
      return {
        module,
        name,
        group: kind === "function" ? importGroup(module, name) : "other",
        type: kind === "function" ? formatSignature(signature) : kind,
        ...(problem === undefined ? {} : { problem }),
      };
    })
    .sort((a, b) => groupOrder(a.group) - groupOrder(b.group) || byName(a, b) || compare(a.module, b.module));
}

function memoryOf({ imports, memory }: ModuleDescription): MemoryReport | undefined {
  const imported = imports.find(({ kind }) => kind === "memory")?.limits;
  const limits = memory ?? imported;
  if (limits === undefined) return undefined;
  return {
    isImported: memory === undefined,
    initialBytes: limits.initial * PAGE_BYTES,
    ...(limits.maximum === undefined ? {} : { maximumBytes: limits.maximum * PAGE_BYTES }),
  };
}

function largest(
  { imports, codeBytes }: ModuleDescription,
  names: ReadonlyMap<number, string>,
): { name: string; bytes: number }[] {
  if (names.size === 0) return [];
  const first = imports.filter(({ kind }) => kind === "function").length;
  return codeBytes
    .map((bytes, i) => ({ name: names.get(first + i) ?? `function ${first + i}`, bytes }))
    .sort((a, b) => b.bytes - a.bytes || byName(a, b))
    .slice(0, LARGEST);
}

function problemsOf(
  wasm: Uint8Array,
  { exports, exportKinds, hasStartSection }: ModuleDescription,
  { abi, usedAbi, imports, memory, hasNames }: Omit<ModuleReport, "problems">,
): ModuleProblem[] {
  const errors = [
    ...abiErrors(abi, usedAbi),
    ...imports.flatMap(({ problem }) =>
      problem === undefined ? [] : [`Failed to load Wasm module due to ${problem}`],
    ),
    ...exportProblems(exports),
    ...(hasStartSection ? ["the module has a start section, which can crash Envoy; compile it without one"] : []),
  ];
  const compilation = errors.length > 0 ? undefined : compileProblem(wasm);
  const hasMemory = [...exportKinds.values()].includes("memory") || memory?.isImported === true;
  const warnings = [
    ...(abi.length > 1 ? [`the module says that it is of several ABI versions; Envoy takes ${usedAbi}`] : []),
    ...(hasMemory ? [] : ["the module exports no memory, so that the host can hand it nothing"]),
    ...((memory?.initialBytes ?? 0) > MAX_INITIAL_BYTES
      ? [`the module begins with ${memory?.initialBytes} bytes of memory; the pre-flight allows ${MAX_INITIAL_BYTES}`]
      : []),
    ...(hasNames ? [] : ["the module has no names of functions: Envoy's backtraces will show numbers, or nothing"]),
  ];
  return [
    ...errors.map((message): ModuleProblem => ({ severity: "error", message })),
    ...(compilation === undefined ? [] : [compilation]),
    ...warnings.map((message): ModuleProblem => ({ severity: "warning", message })),
  ];
}

function abiErrors(abi: readonly string[], used: string | undefined): string[] {
  if (used === undefined) {
    const found = abi.length === 0 ? "no proxy_abi_version_… is exported" : `it says ${abi.join(", ")}`;
    return [`Missing or unknown Proxy-Wasm ABI version: ${found}`];
  }
  if (RUN_BY_WEFT.includes(used)) return [];
  return [
    `the module is of ABI ${used}; Weft runs ${RUN_BY_WEFT.join(" and ")}: build it with an SDK for one of these`,
  ];
}

/* What is left where the frame is right: whether an engine compiles it. */
function compileProblem(wasm: Uint8Array): ModuleProblem | undefined {
  try {
    loadModule(wasm);
    return undefined;
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    const { code, message } = error;
    return code === "COMPILE"
      ? { severity: "warning", message: `Node does not compile it, Envoy perhaps does: ${message}` }
      : { severity: "error", message };
  }
}

function sectionName(id: number, name: string | undefined): string {
  return name === undefined ? (SECTION_NAMES.get(id) ?? `section ${id}`) : `custom "${name}"`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function byName(a: { name: string }, b: { name: string }): number {
  return compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
