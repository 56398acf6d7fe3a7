import { type ConfigClass, type ConfigField, type FieldType, INTEGER_RANGES } from "./config-class.js";

/** The method of a class that checks the `@pattern` of its field. */
export function matcherName(field: string): string {
  return `__weftMatches_${field}`;
}

/**
 * The method that fills a configuration class from JSON, in AssemblyScript. It is generic in the reader's class, so
 * that the author's file needs no import of it.
 */
export function readerSource(config: ConfigClass): string {
  const names = config.fields.map((field) => field.name);
  const fields = config.fields.map((field, i) => {
    const bit = `(<u64>1 << ${i})`;
    return `if (r.is(${JSON.stringify(field.name)})) {
      if (seen & ${bit}) r.duplicate();
      seen |= ${bit};
      ${readInto(`this.${field.name}`, field.type, field, 0)}
      ${rules(field)}
    } else `;
  });
  const required = config.fields.flatMap((field, i) =>
    field.required ? [`if (!(seen & (<u64>1 << ${i}))) r.missing(${JSON.stringify(field.name)});`] : [],
  );
  const known = names.length === 0 ? "none" : names.join(", ");
  return `__weftRead<R>(r: R): void {
    let seen: u64 = 0;
    r.enterObject();
    while (r.nextKey()) {
      ${fields.join("")}r.unknown(${JSON.stringify(known)});
    }
    ${required.join("\n")}
    ${config.validates ? "if (!r.failed) { const rule = this.validate(); if (rule !== null) r.invalid(rule); }" : ""}
  }`;
}

type Bounds = Pick<ConfigField, "min" | "max">;

/* What a string must be beyond its length. */
function rules({ name, oneOf, pattern }: ConfigField): string {
  const conditions = [
    ...(oneOf === undefined
      ? []
      : [{ test: oneOf.map((value) => `r.is(${JSON.stringify(value)})`).join(" || "), rule: oneOfRule(oneOf) }]),
    ...(pattern === undefined
      ? []
      : [{ test: `this.${matcherName(name)}(this.${name})`, rule: JSON.stringify(`must match ${pattern}`) }]),
  ];
  return conditions.map(({ test, rule }) => `if (!(${test})) r.reject(${rule});`).join("\n");
}

function oneOfRule(values: readonly string[]): string {
  return JSON.stringify(`must be one of ${values.map((value) => `"${value}"`).join(", ")}`);
}

function readInto(target: string, type: FieldType, bounds: Bounds, depth: number): string {
  const size = (count: string, unit: string): string =>
    bounds.min === undefined && bounds.max === undefined
      ? ""
      : `r.length(${count}, ${bounds.min ?? 0}, ${bounds.max ?? "u32.MAX_VALUE"}, ${rule("have", bounds, unit)});`;
  switch (type.kind) {
    case "array": {
      const items = `items${depth}`;
      return `const ${items}: ${type.text} = [];
        r.enterArray();
        while (r.nextItem()) {
          let item${depth}: ${typeText(type.item)};
          ${readInto(`item${depth}`, type.item, {}, depth + 1)}
          ${items}.push(item${depth});
        }
        ${size(`${items}.length`, "items")}
        ${target} = ${items};`;
    }
    case "map": {
      const map = `map${depth}`;
      return `const ${map}: ${type.text} = new Map();
        r.enterObject();
        while (r.nextKey()) {
          const key${depth} = r.key();
          if (${map}.has(key${depth})) r.duplicate();
          let value${depth}: ${typeText(type.value)};
          ${readInto(`value${depth}`, type.value, {}, depth + 1)}
          ${map}.set(key${depth}, value${depth});
        }
        ${size(`${map}.size`, "entries")}
        ${target} = ${map};`;
    }
    case "object": {
      const object = `object${depth}`;
      return `const ${object} = new ${type.className}(); ${object}.__weftRead(r); ${target} = ${object};`;
    }
    case "enum": {
      const rule = oneOfRule(type.members);
      const cases = type.members.map(
        (member) => `if (r.is(${JSON.stringify(member)})) ${target} = ${type.name}.${member};`,
      );
      return `${target} = ${type.name}.${type.members[0]}; r.enterWord(${rule}); ${cases.join(" else ")} else r.reject(${rule});`;
    }
    default:
      return `${target} = ${scalar(type, bounds)};`;
  }
}

function scalar(type: Exclude<FieldType, { kind: "array" | "map" | "object" | "enum" }>, { min, max }: Bounds): string {
  switch (type.kind) {
    case "string":
      return `r.string(${min ?? 0}, ${max ?? "u32.MAX_VALUE"}, ${rule("have", { min, max }, "characters")})`;
    case "boolean":
      return "r.boolean()";
    case "number":
      return `r.number(${min ?? "-Infinity"}, ${max ?? "Infinity"}, ${rule("be a number", { min, max })})`;
    case "integer": {
      const { least, most } = INTEGER_RANGES[type.type];
      const range = {
        min: min ?? (type.type === "i64" ? undefined : least),
        max: max ?? (type.type === "i64" ? undefined : most),
      };
      return `<${type.type}>r.integer(${min ?? least}, ${max ?? most}, ${rule("be an integer", range)})`;
    }
  }
}

/* The sentence that follows "it": a literal in the module, so that the module needs no code to print numbers. */
function rule(verb: string, { min, max }: { min?: unknown; max?: unknown }, unit?: string): string {
  // Nothing of any length breaks a rule that is not there.
  if (unit !== undefined && min === undefined && max === undefined) return '""';
  const range =
    min === undefined && max === undefined
      ? ""
      : max === undefined
        ? ` at least ${min}`
        : min === undefined
          ? ` at most ${max}`
          : unit === undefined
            ? ` from ${min} to ${max}`
            : ` ${min} to ${max}`;
  return JSON.stringify(`must ${verb}${range}${unit === undefined ? "" : ` ${unit}`}`);
}

function typeText(type: FieldType): string {
  switch (type.kind) {
    case "string":
      return "string";
    case "boolean":
      return "bool";
    case "number":
      return "f64";
    case "integer":
      return type.type;
    case "array":
    case "map":
      return type.text;
    case "enum":
      return type.name;
    case "object":
      return type.className;
  }
}
