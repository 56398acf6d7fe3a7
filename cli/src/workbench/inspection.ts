import {
  inspectModule,
  type ModuleProblem,
  type ModuleReport,
  type ParsedManifest,
  parsePluginYaml,
} from "@weft/sdk/build";
import type { InspectedImage, InspectedPlugin } from "./inspected-plugin.js";

/** All that `weft plugin inspect` tells, as data. */
export interface Inspection {
  readonly source: string;
  /** Whether Envoy, and the pre-flight where it ran, load it. */
  readonly ok: boolean;
  /** Errors first. */
  readonly problems: readonly ModuleProblem[];
  /** Absent where the bytes are no Wasm module. */
  readonly module?: ModuleReport;
  /** Absent where there is none, or none that can be read. */
  readonly manifest?: ParsedManifest;
  readonly image?: InspectedImage;
}

/** What is known of a plugin without running it. */
export function inspectPlugin({ source, wasm, pluginYaml, image }: InspectedPlugin): Inspection {
  const inspected = inspectModule(wasm);
  const parsed = pluginYaml === undefined ? undefined : parsePluginYaml(pluginYaml);
  const manifest = parsed?.ok ? parsed.manifest : undefined;
  const module = inspected.ok ? inspected.report : undefined;
  const problems = [
    ...(inspected.ok ? [] : [{ severity: "error", message: inspected.message } as const]),
    ...(parsed === undefined || parsed.ok
      ? []
      : parsed.diagnostics.map(
          ({ line, message }): ModuleProblem => ({
            severity: "error",
            message: `plugin.yaml${line === undefined ? "" : `:${line}`}: ${message}`,
          }),
        )),
    ...(module?.problems.filter(({ severity }) => severity === "error") ?? []),
    ...(module?.problems.filter(({ severity }) => severity === "warning") ?? []),
    ...(module === undefined || manifest === undefined ? [] : mismatches(module, manifest)),
  ];
  return {
    source,
    ok: problems.every(({ severity }) => severity === "warning"),
    problems,
    ...(module === undefined ? {} : { module }),
    ...(manifest === undefined ? {} : { manifest }),
    ...(image === undefined ? {} : { image }),
  };
}

/* The manifest was written for another module. */
function mismatches({ imports, callbacks, usedAbi }: ModuleReport, manifest: ParsedManifest): ModuleProblem[] {
  const warn = (message: string): ModuleProblem => ({ severity: "warning", message });
  const compare = (field: "capabilities" | "callbacks", actual: readonly string[]): ModuleProblem[] => {
    const listed = manifest[field];
    if (listed === undefined) return [warn(`the manifest has no ${field}: it was not completed by weft plugin build`)];
    const missing = actual.filter((name) => !listed.includes(name));
    const extra = listed.filter((name) => !actual.includes(name));
    return [
      ...(missing.length === 0 ? [] : [warn(`the manifest's ${field} do not list ${missing.join(", ")}`)]),
      ...(extra.length === 0
        ? []
        : [warn(`the manifest's ${field} list ${extra.join(", ")}, which the module has not`)]),
    ];
  };
  return [
    ...(usedAbi === undefined || usedAbi === manifest.abi
      ? []
      : [warn(`the manifest says ABI ${manifest.abi}, the module ${usedAbi}`)]),
    ...compare(
      "capabilities",
      imports.filter(({ type }) => type.includes("->")).map(({ name }) => name),
    ),
    ...compare("callbacks", callbacks),
  ];
}
