/* Properties from plain JavaScript values, encoded as Envoy encodes attributes (CEL values). */
import { encodeBytePairs } from "./pairs.js";

/** A span of time, for attributes of type duration. */
export interface Duration {
  readonly durationMs: number;
}

/** A number that is a double even where it is whole. */
export interface Double {
  readonly double: number;
}

/**
 * Strings and bytes stay as they are; integers and bigints are 8 bytes; other numbers are doubles; a Date is a
 * timestamp; objects are maps, arrays are lists. `undefined` is an attribute that is not set.
 */
export type PropertyValue =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | Date
  | Duration
  | Double
  | readonly PropertyValue[]
  | { readonly [name: string]: PropertyValue }
  | undefined;

/** Attributes by name, nested or with dots. */
export type PropertyMap = { readonly [name: string]: PropertyValue };

/** An attribute of type duration. */
export function duration(durationMs: number): Duration {
  return { durationMs };
}

/** An attribute of type double whose value happens to be whole. */
export function double(value: number): Double {
  return { double: value };
}

export function isPropertyMap(value: PropertyValue): value is PropertyMap {
  return (
    typeof value === "object" &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Date) &&
    !Array.isArray(value) &&
    !("durationMs" in value) &&
    !("double" in value)
  );
}

export function encodeProperty(value: Exclude<PropertyValue, undefined>): Uint8Array {
  if (typeof value === "string") return Buffer.from(value, "utf8");
  if (value instanceof Uint8Array) return value;
  if (typeof value === "boolean") return Uint8Array.of(value ? 1 : 0);
  if (typeof value === "bigint") return int64(value);
  if (typeof value === "number") return Number.isSafeInteger(value) ? int64(BigInt(value)) : float64(value);
  if (value instanceof Date) return int64(BigInt(value.getTime()) * 1_000_000n);
  if (isPropertyMap(value)) {
    const entries = Object.entries(value).flatMap(([name, item]) =>
      item === undefined ? [] : [[Buffer.from(name), encodeProperty(item)] as const],
    );
    return encodeBytePairs(entries);
  }
  if ("durationMs" in value) return int64(BigInt(Math.round(value.durationMs * 1e6)));
  if ("double" in value) return float64(value.double);
  const none = new Uint8Array();
  return encodeBytePairs(value.flatMap((item) => (item === undefined ? [] : [[encodeProperty(item), none] as const])));
}

function int64(value: bigint): Uint8Array {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt.asUintN(64, value));
  return out;
}

function float64(value: number): Uint8Array {
  const out = Buffer.alloc(8);
  out.writeDoubleLE(value);
  return out;
}
