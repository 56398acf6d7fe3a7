/* Quantities as Kubernetes writes them: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */

const BYTES: Readonly<Record<string, number>> = {
  "": 1,
  ...{ k: 1e3, M: 1e6, G: 1e9, T: 1e12 },
  ...{ Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3, Ti: 1024 ** 4 },
};

/** Processors, in thousandths; undefined for a text that is no such quantity. */
export function cpuOf(text: string): number | undefined {
  const { amount, milli } = /^(?<amount>\d{1,6}(?:\.\d{1,3})?)(?<milli>m)?$/.exec(text)?.groups ?? {};
  if (amount === undefined || (milli !== undefined && amount.includes("."))) return undefined;
  return milli === undefined ? Number(amount) * 1000 : Number(amount);
}

/** Memory in bytes; undefined for a text that is no such quantity. */
export function memoryOf(text: string): number | undefined {
  const { amount, unit = "" } = /^(?<amount>\d{1,15}(?:\.\d{1,3})?)(?<unit>k|[MGT]|[KMGT]i)?$/.exec(text)?.groups ?? {};
  return amount === undefined ? undefined : Number(amount) * (BYTES[unit] ?? 1);
}
