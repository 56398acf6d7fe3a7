import {
  type ConfigClass,
  type ConfigField,
  type FieldType,
  INTEGER_RANGES,
  type IntegerType,
  type JsonLiteral,
  MAX_FIELDS,
} from "./config-class.js";
import { compilePattern } from "./pattern.js";
import {
  type ClassNode,
  type Decorator,
  type FieldNode,
  fieldsOf,
  methodNamesOf,
  type SyntaxNode,
  type TypeNode,
} from "./syntax-tree.js";

const IDENTIFIER = /^[\w$]+$/;
const ASCII = /^[\x20-\x7e]*$/;

/** Says what is wrong with the author's source, and where. */
export type Report = (node: SyntaxNode, message: string) => void;

/** The classes and enums that a field may have as its type. */
export interface KnownTypes {
  isConfigClass(name: string): boolean;
  /** The members of an enum, in order; undefined where there is none of this name. */
  enumMembers(name: string): readonly string[] | undefined;
}

/** Reads a `@config` class. What the reader cannot fill is reported; the class is then as if it had no such field. */
export function readConfigClass(node: ClassNode, known: KnownTypes, report: Report): ConfigClass {
  const fields = fieldsOf(node).flatMap((field) => {
    const read = readField(field, known, report);
    return read === undefined ? [] : [read];
  });
  if (fields.length > MAX_FIELDS) {
    report(node.name, `class ${node.name.text} has ${fields.length} fields; a @config class has at most ${MAX_FIELDS}`);
  }
  if (node.extendsType !== null) {
    report(node.extendsType, `class ${node.name.text} is marked @config and cannot extend another class`);
  }
  return {
    name: node.name.text,
    source: node.range.source.normalizedPath,
    description: docComment(node),
    fields,
    validates: methodNamesOf(node).includes("validate"),
  };
}

function readField(field: FieldNode, known: KnownTypes, report: Report): ConfigField | undefined {
  const name = field.name.text;
  if (field.type === null) {
    report(field, `field "${name}" of a @config class needs a type`);
    return undefined;
  }
  const type = readType(field.type, known, report);
  if (type === undefined) return undefined;
  const min = bound(field, "min", report);
  const max = bound(field, "max", report);
  const bounded = min !== undefined || max !== undefined;
  if (bounded && (type.kind === "boolean" || type.kind === "object" || type.kind === "enum")) {
    report(field, `field "${name}" has no size: @min and @max are for numbers, strings, arrays and maps`);
  }
  if (!IDENTIFIER.test(name)) report(field, `field "${name}" of a @config class needs a name in ASCII letters`);
  const oneOf = texts(field, "oneOf", type, report);
  if (oneOf?.some((value) => !ASCII.test(value))) report(field, "@oneOf takes ASCII texts");
  const pattern = texts(field, "pattern", type, report)?.[0];
  const automaton = pattern === undefined ? undefined : compilePattern(pattern);
  if (typeof automaton === "string") report(field, `the @pattern of field "${name}" cannot be used: ${automaton}`);
  const defaultValue = field.initializer === null ? undefined : defaultOf(field.initializer, type);
  return {
    name,
    type,
    required: field.initializer === null,
    ...(defaultValue === undefined ? {} : { defaultValue }),
    description: docComment(field),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(oneOf === undefined ? {} : { oneOf }),
    ...(pattern === undefined || typeof automaton === "string" ? {} : { pattern }),
  };
}

function readType(node: TypeNode, known: KnownTypes, report: Report): FieldType | undefined {
  const name = node.name?.identifier.text ?? "";
  const item = node.typeArguments?.[0];
  if (node.isNullable) {
    report(node, "a configuration field cannot be null: give it a default");
    return undefined;
  }
  if (name === "string") return { kind: "string" };
  if (name === "bool" || name === "boolean") return { kind: "boolean" };
  if (name === "f64" || name === "number") return { kind: "number" };
  if (isInteger(name)) return { kind: "integer", type: name };
  if (name === "Array" && item !== undefined) {
    const itemType = readType(item, known, report);
    return itemType === undefined ? undefined : { kind: "array", item: itemType, text: node.range.toString() };
  }
  const value = node.typeArguments?.[1];
  if (name === "Map" && value !== undefined && item?.name?.identifier.text === "string") {
    const valueType = readType(value, known, report);
    return valueType === undefined ? undefined : { kind: "map", value: valueType, text: node.range.toString() };
  }
  const members = known.enumMembers(name);
  if (members !== undefined) return { kind: "enum", name, members };
  if (known.isConfigClass(name)) return { kind: "object", className: name };
  report(
    node,
    `type "${node.range.toString()}" cannot be configured; use string, bool, i32, u32, i64, f64, an enum, a ` +
      "class marked @config, or an array or a Map<string, …> of these",
  );
  return undefined;
}

function isInteger(name: string): name is IntegerType {
  return Object.hasOwn(INTEGER_RANGES, name);
}

export function isNamed(decorator: Decorator, name: string): boolean {
  return decorator.name.text === name;
}

function bound(field: FieldNode, name: "min" | "max", report: Report): number | undefined {
  const decorator = field.decorators?.find((candidate) => isNamed(candidate, name));
  if (decorator === undefined) return undefined;
  const argument = decorator.args?.[0];
  const value = argument === undefined ? undefined : literal(argument);
  if (decorator.args?.length === 1 && typeof value === "number") return value;
  report(decorator, `@${name} takes one number`);
  return undefined;
}

/* The arguments of @oneOf or @pattern. */
function texts(field: FieldNode, name: "oneOf" | "pattern", type: FieldType, report: Report): string[] | undefined {
  const decorator = field.decorators?.find((candidate) => isNamed(candidate, name));
  if (decorator === undefined) return undefined;
  const values = (decorator.args ?? []).map((argument) => (argument as { value?: unknown }).value);
  const isRight = values.length > 0 && (name === "oneOf" || values.length === 1);
  if (isRight && values.every((value) => typeof value === "string") && type.kind === "string")
    return values as string[];
  report(decorator, `@${name} is for strings and takes ${name === "oneOf" ? "texts" : "one text"}`);
  return undefined;
}

function defaultOf(node: SyntaxNode, type: FieldType): JsonLiteral | undefined {
  const text = node.range.toString();
  if (type.kind === "enum") return type.members.find((member) => text === `${type.name}.${member}`);
  if (type.kind === "map") return /^new Map(<.*>)?\(\)$/.test(text) ? {} : undefined;
  return literal(node);
}

/* Literals that are written alike in JSON; anything else has no default in the schema. */
function literal(node: SyntaxNode): JsonLiteral | undefined {
  const text = node.range.toString();
  try {
    return JSON.parse(text) as JsonLiteral;
  } catch {
    const value = Number(text.replaceAll("_", ""));
    return Number.isNaN(value) ? undefined : value;
  }
}

/** The doc comment before a declaration, without its asterisks. */
function docComment(node: ClassNode | FieldNode): string {
  const starts = [node.range.start, ...(node.decorators ?? []).map((decorator) => decorator.range.start)];
  const before = node.range.source.text
    .slice(0, Math.min(...starts))
    .trimEnd()
    .replace(/\bexport$/, "")
    .trimEnd();
  if (!before.endsWith("*/")) return "";
  const start = before.lastIndexOf("/*");
  if (!before.startsWith("/**", start)) return "";
  return before
    .slice(start + 3, -2)
    .split("\n")
    .map((line) => line.replace(/^\s*\*?\s?/, "").trim())
    .join(" ")
    .trim();
}
