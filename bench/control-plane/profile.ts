import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Column } from "../measure/table.js";

/** What a CPU profile of V8 has of one function (https://chromedevtools.github.io/devtools-protocol/tot/Profiler/). */
interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
}

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** The node of each sample, and the time since the one before, in microseconds. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Where time was spent, without what it called. */
export interface ProfileRow {
  readonly where: string;
  /** Of all the time in which something ran. */
  readonly share: number;
}

/** The profile that a process wrote into this folder at its end. */
export async function readProfile(dir: string): Promise<CpuProfile> {
  const name = (await readdir(dir)).find((file) => file.endsWith(".cpuprofile"));
  if (name === undefined) throw new Error("the control plane left no profile");
  return JSON.parse(await readFile(join(dir, name), "utf8")) as CpuProfile;
}

/** By package or folder of ours, the largest share first. */
export const byPlace = (profile: CpuProfile): ProfileRow[] =>
  rows(profile, ({ callFrame }) => placeOf(callFrame.url, callFrame.functionName));

/** By function. */
export const byFunction = (profile: CpuProfile): ProfileRow[] =>
  rows(
    profile,
    ({ callFrame: { functionName, url } }) => `${functionName || "(anonymous)"}, ${placeOf(url, functionName)}`,
  );

function rows({ nodes, samples, timeDeltas }: CpuProfile, keyOf: (node: ProfileNode) => string): ProfileRow[] {
  const keys = new Map(
    nodes.map((node) => [node.id, node.callFrame.functionName === "(idle)" ? undefined : keyOf(node)]),
  );
  const spent = new Map<string, number>();
  let all = 0;
  for (const [i, id] of samples.entries()) {
    const key = keys.get(id);
    if (key === undefined) continue;
    // A sample stands for the time until the next one.
    const time = timeDeltas[i + 1] ?? 0;
    all += time;
    spent.set(key, (spent.get(key) ?? 0) + time);
  }
  return [...spent]
    .map(([where, time]) => ({ where, share: time / all }))
    .sort((a, b) => b.share - a.share || (a.where < b.where ? -1 : 1));
}

/** `control-plane/src/xds/…` → `xds`, `node_modules/@grpc/grpc-js/…` → `@grpc/grpc-js`, `node:http2` as it is. */
function placeOf(url: string, functionName: string): string {
  if (functionName.startsWith("(")) return functionName;
  const packaged = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  if (packaged !== undefined) return packaged;
  const own = /\/control-plane\/dist\/([^/]+)/.exec(url)?.[1];
  if (own !== undefined) return `Weft: ${own}`;
  return url === "" ? "native code" : url.split("/").slice(-2).join("/");
}

export const PROFILE_COLUMNS: readonly Column<ProfileRow>[] = [
  { title: "where", cell: ({ where }) => where },
  { title: "share of the CPU time", cell: ({ share }) => `${(share * 100).toFixed(1)} %`, right: true },
];
