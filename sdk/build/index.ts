export type { JsonSchema } from "../transform/json-schema.js";
export { type CodeFrameOptions, renderDiagnostic } from "./code-frame.js";
export { type CompilePluginOptions, type CompilePluginResult, compilePlugin } from "./compile-plugin.js";
export { type ConfigOption, configOptions } from "./config-options.js";
export { type Diagnostic, type Excerpt, formatDiagnostic, type Place } from "./diagnostic.js";
export {
  type ImportReport,
  type InspectModuleResult,
  inspectModule,
  type MemoryReport,
  type ModuleProblem,
  type ModuleReport,
} from "./inspect-module.js";
export type { ManifestMetric, MetricType, Phase, PluginManifest, Requirement, Side } from "./manifest.js";
export {
  MAX_PLUGIN_YAML_BYTES,
  type ParsedManifest,
  type ParsePluginYamlResult,
  parsePluginYaml,
} from "./parse-plugin-yaml.js";
