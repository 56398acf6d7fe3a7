import { Ajv, type ValidateFunction } from "ajv";
import type { CustomResourceDefinition } from "./definitions.js";

/** Checks objects of a kind as an API server does, but for the rules in CEL. */
export function schemaValidator(definition: CustomResourceDefinition, version: string): ValidateFunction {
  const found = definition.spec.versions.find(({ name }) => name === version);
  if (found === undefined) throw new Error(`${definition.metadata.name} has no version ${version}`);
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true, useDefaults: true });
  return ajv.compile(jsonSchema(found.schema.openAPIV3Schema) as object);
}

/** JSON Schema has no word for a number or a string. */
function jsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(jsonSchema);
  if (typeof schema !== "object" || schema === null) return schema;
  const converted = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, jsonSchema(value)]));
  return "x-kubernetes-int-or-string" in schema ? { ...converted, type: ["integer", "string"] } : converted;
}
