/** One option of a plugin's configuration, as a table shows it. */
export interface ConfigOption {
  /** `a.b`; `a[]` is what a list has, `a.*` a value of a map. */
  path: string;
  /** `string`, `integer`, `list of string`, `map of number`, `object`. */
  type: string;
  required: boolean;
  /** Absent: none, or one that JSON cannot say. */
  default?: unknown;
  /** Bounds, allowed values, pattern; empty: none. */
  rule: string;
  description: string;
}

/** Schemas come from images, too. */
const MAX_OPTIONS = 500;
const MAX_DEPTH = 10;
const INT32 = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };
const UINT32 = { minimum: 0, maximum: 2 ** 32 - 1 };

type Schema = Readonly<Record<string, unknown>>;

/** The options that a JSON Schema describes, in its order, at most 500. What it does not understand has no rule. */
export function configOptions(schema: unknown): ConfigOption[] {
  const options: ConfigOption[] = [];
  if (isSchema(schema)) addProperties(schema, "", 0, options);
  return options;
}

function addProperties(schema: Schema, prefix: string, depth: number, options: ConfigOption[]): void {
  if (depth >= MAX_DEPTH || !isSchema(schema.properties)) return;
  const required: readonly unknown[] = Array.isArray(schema.required) ? schema.required : [];
  for (const [name, property] of Object.entries(schema.properties)) {
    if (options.length >= MAX_OPTIONS) return;
    if (!isSchema(property)) continue;
    const path = `${prefix}${name}`;
    options.push({
      path,
      type: typeName(property, 0),
      required: required.includes(name),
      ...(property.default === undefined ? {} : { default: property.default }),
      rule: rules(property),
      description: typeof property.description === "string" ? property.description : "",
    });
    addNested(property, path, depth + 1, options);
  }
}

/* The options of objects inside: in the field itself, in a list's items, in a map's values. */
function addNested(schema: Schema, path: string, depth: number, options: ConfigOption[]): void {
  if (depth >= MAX_DEPTH) return;
  if (isSchema(schema.properties)) addProperties(schema, `${path}.`, depth, options);
  else if (isSchema(schema.items)) addNested(schema.items, `${path}[]`, depth + 1, options);
  else if (isSchema(schema.additionalProperties)) {
    addNested(schema.additionalProperties, `${path}.*`, depth + 1, options);
  }
}

function typeName(schema: Schema, depth: number): string {
  const { type, items, additionalProperties } = schema;
  if (depth >= MAX_DEPTH) return "…";
  if (type === "array") return `list of ${isSchema(items) ? typeName(items, depth + 1) : "anything"}`;
  if (type === "object" && isSchema(additionalProperties)) return `map of ${typeName(additionalProperties, depth + 1)}`;
  return typeof type === "string" ? type : "anything";
}

function rules(schema: Schema, depth = 0): string {
  const values = Array.isArray(schema.enum)
    ? [`one of ${schema.enum.map((value) => JSON.stringify(value)).join(", ")}`]
    : [];
  const pattern = typeof schema.pattern === "string" ? [`must match ${schema.pattern}`] : [];
  const items = depth < MAX_DEPTH && isSchema(schema.items) ? rules(schema.items, depth + 1) : "";
  return [
    ...values,
    ...numbers(schema),
    ...range(schema, "Length", "character"),
    ...range(schema, "Items", "item"),
    ...range(schema, "Properties", "value"),
    ...pattern,
    ...(items === "" ? [] : [`each ${items}`]),
  ].join("; ");
}

/* The range of an integer type is no rule of the author's. */
function numbers({ minimum, maximum }: Schema): string[] {
  const isTypeRange = [INT32, UINT32].some((type) => type.minimum === minimum && type.maximum === maximum);
  if (isTypeRange) return minimum === 0 ? ["at least 0"] : [];
  const isTop = maximum === INT32.maximum || maximum === UINT32.maximum;
  return between(minimum, isTop ? undefined : maximum, "");
}

function range(schema: Schema, suffix: string, unit: string): string[] {
  return between(schema[`min${suffix}`], schema[`max${suffix}`], unit);
}

function between(min: unknown, max: unknown, unit: string): string[] {
  const isMin = typeof min === "number";
  const isMax = typeof max === "number";
  if (isMin && isMax) return [`${min} to ${counted(max, unit)}`];
  if (isMin) return [`at least ${counted(min, unit)}`];
  return isMax ? [`at most ${counted(max, unit)}`] : [];
}

function counted(number: number, unit: string): string {
  if (unit === "") return String(number);
  return `${number} ${unit}${number === 1 ? "" : "s"}`;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
