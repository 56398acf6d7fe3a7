import { resolve } from "node:path";
import { analyze } from "@weft/control-plane/analysis/analyze";
import { type Diagnostic, formatDiagnostic } from "@weft/control-plane/model/diagnostic";
import { count, type OutputFormat, plainText, printJson } from "../workbench/print.js";
import { readFolder } from "./translate.js";

export interface AnalyzeFlags {
  /** Folder with the YAML of the mesh. */
  readonly file: string;
  readonly output: OutputFormat;
  /** Whether warnings are as bad as errors. */
  readonly strict: boolean;
}

/** `weft analyze`: what is wrong in a folder, and what of it does nothing. Returns the exit code. */
export async function analyzeFolder({ file, output, strict }: AnalyzeFlags): Promise<number> {
  const folder = resolve(file);
  const { snapshot, diagnostics, locate } = await readFolder(folder);
  const findings = [...diagnostics, ...analyze(snapshot).map(locate)].sort(byPlace);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.length - errors;
  if (output === "json") printJson({ folder, errors, warnings, findings });
  else {
    for (const finding of findings)
      console.log(`${finding.severity === "error" ? "✗" : "!"} ${plainText(formatDiagnostic(finding), 2000)}`);
    if (findings.length > 0) console.log("");
    console.log(findings.length === 0 ? "nothing found" : `${count(errors, "error")}, ${count(warnings, "warning")}`);
  }
  return errors > 0 || (strict && warnings > 0) ? 1 : 0;
}

/** By file and line; what stands nowhere comes last. */
function byPlace(a: Diagnostic, b: Diagnostic): number {
  if ((a.file === undefined) !== (b.file === undefined)) return a.file === undefined ? 1 : -1;
  const [fileA, fileB] = [a.file ?? "", b.file ?? ""];
  if (fileA !== fileB) return fileA < fileB ? -1 : 1;
  return (a.line ?? 0) - (b.line ?? 0);
}
