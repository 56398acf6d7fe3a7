import { type Reader, refuse, show } from "./fields.js";

/** A number from 0 to 100, with decimals. */
export const readPercent: Reader<number> = (field) => {
  const { value } = field;
  if (typeof value !== "number" || !Number.isFinite(value))
    return refuse(field, "WrongType", `is ${show(value)}, where a number is wanted`, "write a number from 0 to 100");
  if (value >= 0 && value <= 100) return value;
  return refuse(field, "OutOfRange", `is ${value}`, "use a number from 0 to 100");
};
