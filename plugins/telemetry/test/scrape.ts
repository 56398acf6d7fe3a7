import type { RunningEnvoy } from "../../../test/envoy-static.js";

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All series of a proxy whose names begin so. */
export async function scrape(envoy: RunningEnvoy, prefix: string): Promise<Series[]> {
  const answer = await envoy.admin("/stats/prometheus");
  return answer.split("\n").flatMap((line) => {
    const [, metric, text, value] = /^([a-zA-Z_:][\w:]*)\{(.*)\} (\S+)$/.exec(line) ?? [];
    if (metric === undefined || text === undefined || !metric.startsWith(prefix)) return [];
    const labels: Record<string, string> = {};
    for (const [, label, content] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[label ?? ""] = content ?? "";
    return [{ name: metric, labels, value: Number(value) }];
  });
}

/** The series with these labels, once it has the value: streams are counted a moment after their answer. */
export async function series(
  envoy: RunningEnvoy,
  name: string,
  labels: Readonly<Record<string, string>>,
  value: number,
): Promise<Series> {
  for (let i = 0; i < 600; i++) {
    const all = await scrape(envoy, name);
    const found = all.find((each) => each.name === name && has(each, labels));
    if (found?.value === value) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const lines = (await scrape(envoy, name)).map((each) => JSON.stringify(each)).slice(0, 20);
  throw new Error(`no ${name} with ${JSON.stringify(labels)} ${value} in:\n${lines.join("\n")}`);
}

export function has(each: Series, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([label, value]) => each.labels[label] === value);
}
