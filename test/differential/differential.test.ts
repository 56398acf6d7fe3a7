import { readFile, writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { buildPlugin } from "../build-plugin.js";
import type { Case, Records } from "./case.js";
import { readCases } from "./cases.js";
import { type Difference, differences, formatDifference } from "./compare.js";
import { compileProbe } from "./probe.js";
import { runInEnvoy } from "./run-envoy.js";
import { runInHost } from "./run-host.js";

/*
 * Another build of the host, and a file that keeps modules and what Envoy did from run to run: what the mutants need.
 */
const hostModule = process.env.WEFT_DIFFERENTIAL_HOST ?? "@weft/sdk/host";
const recordsFile = process.env.WEFT_DIFFERENTIAL_RECORDS;

const AT_LEAST = 80;

let cases: Case[];
let found: Difference[];

beforeAll(async () => {
  cases = await readCases();
  const { modules, envoy } = (await kept()) ?? (await run());
  found = differences(envoy, await runInHost(await import(hostModule), cases, modules));
});

interface Run {
  modules: Map<string, Uint8Array>;
  envoy: Records;
}

async function run(): Promise<Run> {
  const wanted = [...new Set(cases.flatMap(({ plugin }) => (plugin === undefined ? [] : [plugin])))];
  const modules = new Map([["probe", await compileProbe("probe")]]);
  for (const name of wanted) modules.set(name, (await buildPlugin(name)).wasm);
  const envoy = await runInEnvoy(cases, modules);
  if (recordsFile !== undefined) {
    const encoded = [...modules].map(([name, wasm]) => [name, Buffer.from(wasm).toString("base64")]);
    await writeFile(recordsFile, JSON.stringify({ modules: encoded, envoy }));
  }
  return { modules, envoy };
}

async function kept(): Promise<Run | undefined> {
  const text = recordsFile === undefined ? "" : await readFile(recordsFile, "utf8").catch(() => "");
  if (text === "") return undefined;
  const { modules, envoy } = JSON.parse(text) as { modules: [string, string][]; envoy: Records };
  return { modules: new Map(modules.map(([name, wasm]) => [name, Buffer.from(wasm, "base64")])), envoy };
}

test(`there are at least ${AT_LEAST} cases, with names of their own`, () => {
  expect(cases.length).toBeGreaterThanOrEqual(AT_LEAST);
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
});

describe("what the client, the upstream, the logs and the metrics show is the same in the host and in Envoy", () => {
  test("0 differences", () => {
    expect(found.map(formatDifference).join("\n\n")).toBe("");
  });
});
