import type { CaseRecord, Records } from "./case.js";

export interface Difference {
  name: string;
  part: keyof CaseRecord;
  envoy: string;
  host: string;
}

const PARTS: readonly (keyof CaseRecord)[] = ["client", "upstream", "main", "worker", "metrics"];

/** Where the two records of a case are not the same. */
export function differences(envoy: Records, host: Records): Difference[] {
  const found: Difference[] = [];
  for (const [name, real] of Object.entries(envoy)) {
    for (const part of PARTS) {
      const [left, right] = [lines(real[part]), lines(host[name]?.[part])];
      if (left.join("\n") === right.join("\n")) continue;
      const at = left.findIndex((line, i) => line !== right[i]);
      const from = Math.max(0, (at < 0 ? left.length : at) - 2);
      const show = (all: readonly string[]): string => all.slice(from, from + 8).join("\n      ");
      found.push({ name, part, envoy: show(left), host: show(right) });
    }
  }
  return found;
}

export function formatDifference({ name, part, envoy, host }: Difference): string {
  return `${name} (${part})\n  Envoy:\n      ${envoy}\n  host:\n      ${host}`;
}

/* Keys of an object in their own order do not matter. */
function lines(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => (typeof item === "string" ? [item] : lines(item)));
  if (typeof value !== "object" || value === null) return [JSON.stringify(value) ?? "undefined"];
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, item]) =>
      Array.isArray(item) ? item.map((one) => `${key}: ${String(one)}`) : [`${key}: ${String(item)}`],
    );
}
