import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import type { StaticProblem } from "./static-checks.js";

/** Checks a plugin's configuration against the JSON Schema in its image. Undefined when it fits, or without a schema. */
export function checkConfig(
  config: string,
  schema: Readonly<Record<string, unknown>> | undefined,
): StaticProblem | undefined {
  if (schema === undefined) return undefined;
  // Not strict: a schema from an image may use keywords that we do not know.
  const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false });
  let validate: ValidateFunction;
  try {
    validate = ajv.compile(schema);
  } catch (error) {
    return {
      reason: "InvalidSchema",
      message: `configSchema in the image's plugin.yaml: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  if (validate(JSON.parse(config))) return undefined;
  const faults = (validate.errors ?? []).slice(0, 5).map(describe);
  return { reason: "InvalidConfig", message: `spec.pluginConfig${faults.join("; spec.pluginConfig")}` };
}

function describe({ instancePath, message, params }: ErrorObject): string {
  const field = instancePath.replaceAll("/", ".");
  const extra = "additionalProperty" in params ? ` (${params.additionalProperty})` : "";
  const allowed = "allowedValues" in params ? ` (${JSON.stringify(params.allowedValues)})` : "";
  return `${field} ${message ?? "is wrong"}${extra}${allowed}`;
}
