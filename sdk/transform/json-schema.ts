import { type ConfigClass, type ConfigField, type FieldType, INTEGER_RANGES } from "./config-class.js";

/** A JSON Schema (draft 2020-12), as far as configuration classes need one. */
export interface JsonSchema {
  $schema?: string;
  type: "object" | "array" | "string" | "boolean" | "number" | "integer";
  description?: string;
  default?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: false | JsonSchema;
  items?: JsonSchema;
  enum?: readonly string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  maxProperties?: number;
}

const DIALECT = "https://json-schema.org/draft/2020-12/schema";

/** The schema of a plugin whose configuration is not described by a class: any object. */
export const OPEN_SCHEMA: JsonSchema = { $schema: DIALECT, type: "object" };

/** The schema of a plugin that takes no configuration. */
export const EMPTY_SCHEMA: JsonSchema = {
  $schema: DIALECT,
  type: "object",
  properties: {},
  additionalProperties: false,
};

/** `resolve` finds the class of a nested object. A class may not contain itself. */
export function jsonSchema(config: ConfigClass, resolve: (name: string) => ConfigClass): JsonSchema {
  return { $schema: DIALECT, ...objectSchema(config, resolve) };
}

function objectSchema(config: ConfigClass, resolve: (name: string) => ConfigClass): JsonSchema {
  const required = config.fields.filter((field) => field.required).map((field) => field.name);
  return {
    type: "object",
    ...(config.description === "" ? {} : { description: config.description }),
    properties: Object.fromEntries(config.fields.map((field) => [field.name, fieldSchema(field, resolve)])),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

function fieldSchema(field: ConfigField, resolve: (name: string) => ConfigClass): JsonSchema {
  return {
    ...typeSchema(field.type, resolve),
    ...bounds(field),
    ...(field.oneOf === undefined ? {} : { enum: field.oneOf }),
    ...(field.pattern === undefined ? {} : { pattern: field.pattern }),
    ...(field.description === "" ? {} : { description: field.description }),
    ...(field.defaultValue === undefined ? {} : { default: field.defaultValue }),
  };
}

function typeSchema(type: FieldType, resolve: (name: string) => ConfigClass): JsonSchema {
  switch (type.kind) {
    case "object":
      return objectSchema(resolve(type.className), resolve);
    case "array":
      return { type: "array", items: typeSchema(type.item, resolve) };
    case "map":
      return { type: "object", additionalProperties: typeSchema(type.value, resolve) };
    case "enum":
      return { type: "string", enum: type.members };
    case "integer": {
      const range = INTEGER_RANGES[type.type];
      return type.type === "i64"
        ? { type: "integer" }
        : { type: "integer", minimum: Number(range.least), maximum: Number(range.most) };
    }
    default:
      return { type: type.kind };
  }
}

const BOUND_SUFFIXES: Record<FieldType["kind"], string> = {
  string: "Length",
  array: "Items",
  map: "Properties",
  number: "imum",
  integer: "imum",
  boolean: "",
  object: "",
  enum: "",
};

function bounds({ type, min, max }: ConfigField): Partial<JsonSchema> {
  const suffix = BOUND_SUFFIXES[type.kind];
  if (suffix === "") return {};
  return {
    ...(min === undefined ? {} : { [`min${suffix}`]: min }),
    ...(max === undefined ? {} : { [`max${suffix}`]: max }),
  };
}
