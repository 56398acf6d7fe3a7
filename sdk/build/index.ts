export type { JsonSchema } from "../transform/json-schema.js";
export { type CompilePluginOptions, type CompilePluginResult, compilePlugin } from "./compile-plugin.js";
export { type Diagnostic, formatDiagnostic } from "./diagnostic.js";
export type { ManifestMetric, MetricType, Phase, PluginManifest, Requirement, Side } from "./manifest.js";
export {
  MAX_PLUGIN_YAML_BYTES,
  type ParsedManifest,
  type ParsePluginYamlResult,
  parsePluginYaml,
} from "./parse-plugin-yaml.js";
