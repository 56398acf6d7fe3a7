import { type Field, type Reader, readObject, refuse, show } from "./fields.js";

/** Envoy counts in parts of a million. */
const SMALLEST = 0.0001;

/** A Percent of Istio, an object with a `value` of 0 to 100. */
export const readPercentage: Reader<number> = readObject((fields) =>
  fields.required("value", readPercent, "write value: and a number from 0 to 100"),
);

/** A number of 0 to 100, with fractions. */
export function readPercent(field: Field): number | undefined {
  const { value } = field;
  if (typeof value !== "number" || !Number.isFinite(value))
    return refuse(field, "WrongType", `is ${show(value)}, where a number is wanted`, "write a number from 0 to 100");
  if (value < 0 || value > 100) return refuse(field, "OutOfRange", `is ${value}`, "use a number from 0 to 100");
  if (value > 0 && value < SMALLEST)
    return refuse(field, "OutOfRange", `is ${value}`, `use 0, or ${SMALLEST} (one in a million) and more`);
  return Math.round(value / SMALLEST) / (1 / SMALLEST);
}
