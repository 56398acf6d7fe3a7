/*
 * Marks that the transform reads (sdk/transform); nothing of them is left in the module. They are functions so that
 * editors can resolve them.
 */

/**
 * Marks a class as configuration: its fields are read from JSON, and the schema in the image is made from it. An
 * initialiser is the default; a field with `!` and none is required. A method `validate(): string | null` may add
 * rules.
 *
 * ```ts
 * @config
 * class Limit {
 *   @min(1) @max(10_000) rate!: u32;
 *   @oneOf("local", "global") mode: string = "local";
 *   @pattern("^x-[a-z-]+$") header: string = "x-user";
 * }
 * ```
 */
export function config<T>(target: T): void {}

/** The least value of a number, the least length of a string, an array or a map. */
export function min(bound: f64): void {}

/** The largest value of a number, the largest length of a string, an array or a map. */
export function max(bound: f64): void {}

/** The values that a string may have. For names that are identifiers an `enum` is nicer: its JSON are its names. */
export function oneOf(...values: string[]): void {}

/**
 * A regular expression that a string must contain a match of, or match as a whole between `^` and `$`. It is checked in
 * linear time: no look-around, back-references or word boundaries, and at most 63 characters and classes.
 */
export function pattern(expression: string): void {}
