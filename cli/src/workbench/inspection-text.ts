import { type ConfigOption, configOptions, type ModuleReport, type ParsedManifest } from "@weft/sdk/build";
import type { InspectedImage } from "./inspected-plugin.js";
import type { Inspection } from "./inspection.js";
import { count, formatBytes, formatTable, plainText } from "./print.js";

/** An inspection as people read it; text from the plugin cannot reach the terminal's controls. */
export function inspectionText({ source, ok, problems, module, manifest, image }: Inspection): string {
  const size = module === undefined ? "" : `, ${formatBytes(module.bytes)}`;
  return [
    `${source}${size}`,
    ...(image === undefined ? [] : imageLines(image)),
    ...(manifest === undefined ? [] : manifestLines(manifest)),
    ...(module === undefined ? [] : moduleLines(module)),
    ...(manifest === undefined ? [] : configLines(manifest)),
    ...section("Verdict", [
      ...problems.map(({ severity, message }) => `  ${severity === "error" ? "✗" : "!"} ${plainText(message)}`),
      ok ? "  ✓ Envoy 1.40 loads it, as far as can be known without running it" : "  ✗ it cannot be used",
    ]),
  ].join("\n");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines];
}

function imageLines({ digest, layout, annotations, layers, extraFiles }: InspectedImage): string[] {
  return section(
    "Image",
    formatTable([
      ["digest", digest],
      ["layout", layout],
      ...layers.map((layer) => ["layer", `${formatBytes(layer.size)} ${plainText(layer.mediaType)} ${layer.digest}`]),
      ...Object.entries(annotations)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => ["annotation", `${plainText(name)} = ${plainText(value)}`]),
      ...extraFiles.map((name) => ["other file", plainText(name)]),
    ]),
  );
}

function manifestLines(manifest: ParsedManifest): string[] {
  const { name, version, description, rootId, side, phase, stateVersion, requires, metrics, sdk } = manifest;
  return section(
    "Manifest",
    formatTable([
      ["plugin", `${name} ${version}`],
      ...(description === undefined ? [] : [["", plainText(description)]]),
      ["root id", rootId],
      ["placement", `side ${side}, phase ${phase}`],
      ["state version", String(stateVersion)],
      ...(requires.length === 0 ? [] : [["requires", requires.join(" ")]]),
      ...metrics.map((metric) => ["metric", metricText(metric)]),
      ...(sdk === undefined ? [] : [["built with", plainText(`${sdk.name} ${sdk.version}`)]]),
    ]),
  );
}

function metricText({ type, name, labels, countedBy, failure }: ParsedManifest["metrics"][number]): string {
  const names = Object.keys(labels).sort();
  const notes = [
    ...(countedBy === "plugin" ? ["counted by the plugin"] : []),
    ...(failure ? ["a failure: rollouts go back when a new version has more"] : []),
  ];
  return [
    `${type} ${name}${names.length === 0 ? "" : `{${names.join(", ")}}`}`,
    ...(notes.length === 0 ? [] : [`(${notes.join("; ")})`]),
  ].join(" ");
}

function moduleLines(module: ModuleReport): string[] {
  const { abi, memory, hasStartSection, callbacks, entryPoints, otherExports, imports, sections, largest } = module;
  const groups = [...new Set(imports.map(({ group }) => group))];
  return [
    ...section(
      "Module",
      formatTable([
        ["ABI", abi.join(" ") || "none"],
        ["memory", memory === undefined ? "none" : memoryText(memory)],
        ["start section", hasStartSection ? "yes: it can crash Envoy" : "no"],
        ["code", `${formatBytes(module.codeBytes)} in ${count(module.functions, "function")}`],
        ["data", formatBytes(module.dataBytes)],
        ["callbacks", callbacks.map(plain).join(" ") || "none"],
        ["entry points", entryPoints.map(plain).join(" ") || "none"],
        ...(otherExports.length === 0
          ? []
          : [["other exports", otherExports.map(({ name, kind }) => `${plain(name)} (${kind})`).join(" ")]]),
      ]),
    ),
    ...section(
      "Host functions",
      formatTable(
        groups.map((group) => [
          group,
          imports
            .filter((entry) => entry.group === group)
            .map(({ module: from, name, type, problem }) => {
              const full = from === "env" ? plain(name) : `${plain(from)}.${plain(name)}`;
              return problem === undefined ? full : `${full} ✗(${type})`;
            })
            .join(" "),
        ]),
      ),
    ),
    ...section("Size by section", formatTable(sections.map(({ name, bytes }) => [plain(name), formatBytes(bytes)]))),
    ...section("Largest functions", formatTable(largest.map(({ name, bytes }) => [formatBytes(bytes), plain(name)]))),
  ];
}

function memoryText({ initialBytes, maximumBytes, isImported }: NonNullable<ModuleReport["memory"]>): string {
  const most = maximumBytes === undefined ? "no maximum of its own" : `at most ${formatBytes(maximumBytes)}`;
  return `begins with ${formatBytes(initialBytes)}, ${most}${isImported ? ", imported" : ""}`;
}

function configLines({ configSchema }: ParsedManifest): string[] {
  if (configSchema === undefined) return [];
  const options = configOptions(configSchema);
  if (options.length === 0) {
    const isClosed = configSchema.additionalProperties === false;
    return section("Configuration", [isClosed ? "  none" : "  any: the plugin has no schema"]);
  }
  const head = ["option", "type", "default", "rule", "meaning"];
  return section("Configuration", formatTable([head, ...options.map(optionRow)]));
}

function optionRow({ path, type, required, rule, description, ...rest }: ConfigOption): string[] {
  const value = required ? "required" : rest.default === undefined ? "" : JSON.stringify(rest.default);
  return [plain(path), plain(type), plainText(value, 60), plainText(rule, 120), plain(description)];
}

function plain(text: string): string {
  return plainText(text);
}
