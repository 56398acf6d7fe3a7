import { type ConfigClass, type ConfigField, type FieldType, INTEGER_RANGES } from "./config-class.js";

/**
 * The method that fills a configuration class from JSON, in AssemblyScript. It is generic in the reader's class, so
 * that the author's file needs no import of it.
 */
export function readerSource(config: ConfigClass): string {
  const names = config.fields.map((field) => field.name);
  const fields = config.fields.map((field, i) => {
    const bit = `(<u64>1 << ${i})`;
    return `if (r.isKey(${JSON.stringify(field.name)})) {
      if (seen & ${bit}) r.duplicate();
      seen |= ${bit};
      ${readInto(`this.${field.name}`, field.type, field, 0)}
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
    ${config.validates ? "if (r.error === null) { const rule = this.validate(); if (rule !== null) r.invalid(rule); }" : ""}
  }`;
}

type Bounds = Pick<ConfigField, "min" | "max">;

function readInto(target: string, type: FieldType, bounds: Bounds, depth: number): string {
  if (type.kind === "array") {
    const items = `items${depth}`;
    const length =
      bounds.min === undefined && bounds.max === undefined
        ? ""
        : `r.length(${items}.length, ${bounds.min ?? 0}, ${bounds.max ?? "i32.MAX_VALUE"}, ${rule("have", bounds, "items")});`;
    return `const ${items}: ${type.text} = [];
      r.enterArray();
      while (r.nextItem()) { let item${depth}: ${typeText(type.item)}; ${readInto(`item${depth}`, type.item, {}, depth + 1)} ${items}.push(item${depth}); }
      ${length}
      ${target} = ${items};`;
  }
  if (type.kind === "object") {
    const object = `object${depth}`;
    return `const ${object} = new ${type.className}(); ${object}.__weftRead(r); ${target} = ${object};`;
  }
  return `${target} = ${scalar(type, bounds)};`;
}

function scalar(type: Exclude<FieldType, { kind: "array" | "object" }>, { min, max }: Bounds): string {
  switch (type.kind) {
    case "string":
      return `r.string(${min ?? 0}, ${max ?? "i32.MAX_VALUE"}, ${rule("have", { min, max }, "characters")})`;
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
      return type.text;
    case "object":
      return type.className;
  }
}
