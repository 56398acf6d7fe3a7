/*
 * Marks that the transform reads (sdk/transform); nothing of them is left in the module. They are functions so that
 * editors can resolve them.
 */

/** Marks a class as configuration: its fields are read from JSON, and the schema in the image is made from it. */
export function config<T>(target: T): void {}

/** The least value of a number, the least length of a string or an array. */
export function min(bound: f64): void {}

/** The largest value of a number, the largest length of a string or an array. */
export function max(bound: f64): void {}
