/** What a `@config` class says, apart from any syntax tree. */
export interface ConfigClass {
  name: string;
  /** Path of the source that declares it, as asc names it. */
  source: string;
  description: string;
  fields: readonly ConfigField[];
  /** The class has a method `validate(): string | null`, which checks rules across fields. */
  validates: boolean;
}

export interface ConfigField {
  name: string;
  type: FieldType;
  /** A field without an initialiser has no default, so it must be given. */
  required: boolean;
  /** The initialiser where it is a literal. */
  defaultValue?: JsonLiteral;
  description: string;
  /** `@min`, `@max`: of the number, or of the length of a string, an array or a map. */
  min?: number;
  max?: number;
  /** `@oneOf`: the values that a string may have. */
  oneOf?: readonly string[];
  /** `@pattern`: what a string must match. */
  pattern?: string;
}

export type FieldType =
  | { kind: "string" | "boolean" | "number" }
  | { kind: "integer"; type: IntegerType }
  | { kind: "enum"; name: string; members: readonly string[] }
  | { kind: "array"; item: FieldType; text: string }
  | { kind: "map"; value: FieldType; text: string }
  | { kind: "object"; className: string };

export type IntegerType = "i32" | "u32" | "i64";
export type JsonLiteral = string | number | boolean | readonly JsonLiteral[] | { readonly [name: string]: JsonLiteral };

/** The values that an integer type can hold. Beyond 2^53 a JSON schema cannot say them exactly; the reader can. */
export const INTEGER_RANGES: Record<IntegerType, { least: string; most: string }> = {
  i32: { least: "-2147483648", most: "2147483647" },
  u32: { least: "0", most: "4294967295" },
  i64: { least: "i64.MIN_VALUE", most: "i64.MAX_VALUE" },
};

/** The reader keeps which fields it has seen in the bits of a u64. */
export const MAX_FIELDS = 64;
