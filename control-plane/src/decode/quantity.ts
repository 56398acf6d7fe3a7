import { type Reader, readString, refuse, show } from "./fields.js";

const SUFFIXES: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
};
const QUANTITY = /^(?<amount>\d{1,15}(?:\.\d{1,9})?)(?<suffix>k|M|G|Ki|Mi|Gi)?$/;
const HINT = "write it like 32Mi, 1.5Mi or 4000000";

/**
 * A number of bytes as Kubernetes writes quantities; parts of a byte are rounded up.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export function readBytes({ min, max }: { readonly min: number; readonly max: number }): Reader<number> {
  return (field) => {
    const { value } = field;
    const text = typeof value === "number" ? String(value) : readString(32)(field);
    if (text === undefined) return undefined;
    const { amount, suffix = "" } = QUANTITY.exec(text)?.groups ?? {};
    if (amount === undefined) return refuse(field, "InvalidQuantity", `${show(text)} is not a quantity of bytes`, HINT);
    const bytes = Math.ceil(Number(amount) * (SUFFIXES[suffix] ?? 1));
    if (bytes >= min && bytes <= max) return bytes;
    return refuse(field, "OutOfRange", `is ${text}`, `use ${formatBytes(min)} to ${formatBytes(max)}`);
  };
}

/** With the largest suffix that leaves a whole number: `4Mi`. */
export function formatBytes(bytes: number): string {
  const suffix = ["Gi", "Mi", "Ki"].find((candidate) => bytes % (SUFFIXES[candidate] ?? 1) === 0);
  return suffix === undefined || bytes === 0 ? String(bytes) : `${bytes / (SUFFIXES[suffix] ?? 1)}${suffix}`;
}
