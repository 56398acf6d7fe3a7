import { nearest } from "./nearest.js";
import type { Path } from "./path.js";
import type { Problems } from "./problems.js";

/** A value in an object, the way to it, and where to report what is wrong with it. */
export interface Field {
  readonly value: unknown;
  readonly path: Path;
  readonly problems: Problems;
}

/** Reads a value, or reports what is wrong with it and gives undefined. */
export type Reader<T> = (field: Field) => T | undefined;

/** Reports an error at the field. */
export function refuse(field: Field, reason: string, message: string, hint: string): undefined {
  field.problems.error(field.path, reason, message, hint);
  return undefined;
}

/** The field below this one. */
export function child(field: Field, key: string | number, value: unknown): Field {
  return { value, path: [...field.path, key], problems: field.problems };
}

/** A value as it stands in a message; of lists and objects only that they are one. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value !== "string") return `the ${typeof value} ${String(value)}`;
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}

function wrongType(field: Field, wanted: string): undefined {
  const { value } = field;
  const quotable = wanted === "a string" && (typeof value === "number" || typeof value === "boolean");
  const hint = quotable ? `write it in quotes: "${String(value)}"` : `write ${wanted} here`;
  return refuse(field, "WrongType", `is ${show(value)}, where ${wanted} is wanted`, hint);
}

/** A string of at most `maxLength` characters that is not empty. */
export function readString(maxLength = 1024): Reader<string> {
  return (field) => {
    const text = readAnyString(maxLength)(field);
    return text === "" ? refuse(field, "InvalidValue", "is empty", "give it a value or leave the field out") : text;
  };
}

/** A string of at most `maxLength` characters, which may be empty. */
export function readAnyString(maxLength = 1024): Reader<string> {
  return (field) => {
    const { value } = field;
    if (typeof value !== "string") return wrongType(field, "a string");
    if (value.length <= maxLength) return value;
    return refuse(field, "TooLarge", `has ${value.length} characters`, `use at most ${maxLength}`);
  };
}

export function readInteger(min: number, max: number): Reader<number> {
  return (field) => {
    const { value } = field;
    if (typeof value !== "number") {
      const quoted = typeof value === "string" && /^-?\d{1,15}$/.test(value);
      if (!quoted) return wrongType(field, "a whole number");
      return refuse(field, "WrongType", `is the string ${show(value)}`, `write the number without quotes: ${value}`);
    }
    if (!Number.isInteger(value)) return wrongType(field, "a whole number");
    if (value >= min && value <= max) return value;
    return refuse(field, "OutOfRange", `is ${value}`, `use a number from ${min} to ${max}`);
  };
}

/** A TCP port. */
export const readPort: Reader<number> = readInteger(1, 65535);

export const readBoolean: Reader<boolean> = (field) =>
  typeof field.value === "boolean" ? field.value : wrongType(field, "true or false");

/** One of some words. Words of `unsupported` belong to the API, but Weft does not act on them; each has a hint. */
export function readOneOf<const T extends string>(
  words: readonly T[],
  unsupported: Readonly<Record<string, string>> = {},
): Reader<T> {
  return (field) => {
    const text = readAnyString()(field);
    if (text === undefined) return undefined;
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    if (Object.hasOwn(unsupported, text))
      return refuse(field, "UnsupportedValue", `is ${text}, which is not supported yet`, unsupported[text] ?? "");
    const near = nearest(text, words);
    const hint = near === undefined ? `use one of ${words.join(", ")}` : `did you mean ${near}?`;
    return refuse(field, "InvalidValue", `is ${show(text)}`, hint);
  };
}

/** Every list has a bound on its length, so that no input can make work without end. */
const MAX_ITEMS = 1000;

/** A list. Items that are wrong are reported and left out. */
export function readList<T>(
  read: Reader<T>,
  limits: { readonly min?: number; readonly max?: number } = {},
): Reader<T[]> {
  const { min = 0, max = MAX_ITEMS } = limits;
  return (field) => {
    const { value } = field;
    if (!Array.isArray(value)) return wrongType(field, "a list");
    if (value.length < min) return refuse(field, "OutOfRange", "is an empty list", `put at least ${min} item into it`);
    if (value.length > max) return refuse(field, "TooLarge", `has ${value.length} items`, `use at most ${max}`);
    const items: T[] = [];
    value.forEach((item: unknown, position) => {
      const result = read(child(field, position, item));
      if (result !== undefined) items.push(result);
    });
    return items;
  };
}

/** A map from names to values. It has no prototype, so that a look-up finds only what the user wrote. */
export function readMap<T>(readKey: Reader<string>, read: Reader<T>): Reader<Record<string, T>> {
  return (field) => {
    const { value } = field;
    if (!isObject(value)) return wrongType(field, "an object");
    const names = Object.keys(value);
    if (names.length > MAX_ITEMS)
      return refuse(field, "TooLarge", `has ${names.length} entries`, `use at most ${MAX_ITEMS}`);
    const map: Record<string, T> = Object.create(null);
    for (const name of names) {
      const inner = child(field, name, value[name]);
      const key = readKey({ ...inner, value: name });
      const result = read(inner);
      if (key !== undefined && result !== undefined) map[key] = result;
    }
    return map;
  };
}

/** Reads an object field by field; a field that nobody asked for is reported as unknown. */
export function readObject<T>(read: (fields: ObjectFields, field: Field) => T | undefined): Reader<T> {
  return readOpenObject((fields, field) => {
    const result = read(fields, field);
    fields.reportUnknown();
    return result;
  });
}

/** Reads an object field by field and lets other fields be: for formats of which a newer version may have more. */
export function readOpenObject<T>(read: (fields: ObjectFields, field: Field) => T | undefined): Reader<T> {
  return (field) => {
    if (!isObject(field.value)) return wrongType(field, "an object");
    return read(new ObjectFields(field, field.value), field);
  };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The fields of an object. `null` counts as absent, as in Kubernetes. */
export class ObjectFields {
  readonly #field: Field;
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #known = new Set<string>();
  readonly #belongElsewhere = new Map<string, string>();

  constructor(field: Field, value: Readonly<Record<string, unknown>>) {
    this.#field = field;
    this.#value = value;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#value, name) && this.#value[name] !== null && this.#value[name] !== undefined;
  }

  optional<T>(name: string, read: Reader<T>): T | undefined {
    this.#known.add(name);
    return this.has(name) ? read(child(this.#field, name, this.#value[name])) : undefined;
  }

  required<T>(name: string, read: Reader<T>, hint = `add ${name}`): T | undefined {
    if (!this.has(name)) this.#field.problems.error([...this.#field.path, name], "MissingField", "is missing", hint);
    return this.optional(name, read);
  }

  /** Fields that may hold anything and that the mesh has no use for. */
  ignore(names: readonly string[]): void {
    for (const name of names) this.#known.add(name);
  }

  /** Fields of the API that Weft does not act on yet. Each has a hint; an empty value changes nothing and may stay. */
  unsupported(names: Readonly<Record<string, string>>): void {
    for (const [name, hint] of Object.entries(names)) {
      this.#known.add(name);
      if (!this.has(name) || isEmpty(this.#value[name])) continue;
      const path = [...this.#field.path, name];
      this.#field.problems.error(path, "UnsupportedField", "is not supported yet", hint);
    }
  }

  /** Names that are likely to be written here by mistake, with what to do instead. */
  belongElsewhere(names: Readonly<Record<string, string>>): void {
    for (const [name, hint] of Object.entries(names)) this.#belongElsewhere.set(name, hint);
  }

  reportUnknown(): void {
    for (const name of Object.keys(this.#value)) {
      if (this.#known.has(name)) continue;
      const near = nearest(name, this.#known);
      const fields = [...this.#known].sort();
      const hint =
        this.#belongElsewhere.get(name) ??
        (near === undefined ? `remove it; the fields here are ${fields.join(", ")}` : `did you mean ${near}?`);
      this.#field.problems.error([...this.#field.path, name], "UnknownField", "is not a field of the API", hint);
    }
  }
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}
