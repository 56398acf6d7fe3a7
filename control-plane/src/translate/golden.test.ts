import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";
import { envoyPath } from "../../../test/envoy-static.js";
import { expectGolden, expectNoOrphans, goldenCases } from "../../../test/golden.js";
import { staticBootstrap } from "../../../test/golden-bootstrap.js";
import { brokenReferences, brokenSlots } from "../../../test/golden-references.js";
import { formatCase, type JsonResource, renderCase } from "../../../test/golden-translation.js";
import { createTestAuthority } from "../../../test/xds-fixture.js";

const DIR = fileURLToPath(new URL("testdata", import.meta.url));
const FILES = { certificateChain: "cert.pem", privateKey: "key.pem", trustBundle: "roots.pem" };
const CASES = goldenCases(DIR);

let wasm: Uint8Array;
/** Envoy's working folder, with the files that the secrets name. */
let scratch: string;

beforeAll(async () => {
  wasm = (await buildPlugin("hello")).wasm;
  scratch = await mkdtemp(join(tmpdir(), "weft-golden-"));
  const authority = await createTestAuthority();
  const { certificateChain, privateKey } = await authority.issue({ uris: ["spiffe://cluster.local/ns/default/sa/a"] });
  await writeFile(join(scratch, FILES.certificateChain), certificateChain);
  await writeFile(join(scratch, FILES.privateKey), privateKey, { mode: 0o600 });
  await writeFile(join(scratch, FILES.trustBundle), authority.rootCert);
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

/** What Envoy has against a bootstrap; empty when it would start with it. */
async function refusal(resources: readonly JsonResource[], name: string): Promise<string> {
  const file = join(scratch, `${name}.json`);
  // Files that a DestinationRule names have absolute paths.
  const bootstrap = JSON.stringify(staticBootstrap(resources, FILES)).replaceAll("/weft-golden/", `${scratch}/`);
  await writeFile(file, bootstrap);
  return new Promise((resolve) => {
    const args = ["--mode", "validate", "-c", file, "-l", "warning"];
    execFile(envoyPath(), args, { cwd: scratch, timeout: 100_000 }, (error, stdout, stderr) =>
      resolve(error === null ? "" : `${error.message}\n${stdout}${stderr}`),
    );
  });
}

describe.each(CASES)("$name", (golden) => {
  it("is translated as the golden file says", () => {
    expectGolden(golden, formatCase(renderCase(golden.input, wasm), wasm));
  });

  it("names nothing that is not there, and has its slots in place", () => {
    for (const { proxy, resources } of renderCase(golden.input, wasm).proxies) {
      expect(brokenReferences(resources, golden.input.includes("kind: Sidecar")), proxy).toEqual([]);
      expect(brokenSlots(resources), proxy).toEqual([]);
    }
  });

  it("is accepted by Envoy", async () => {
    for (const [index, { proxy, resources }] of renderCase(golden.input, wasm).proxies.entries())
      expect(await refusal(resources, `${golden.name}-${index}`), proxy).toBe("");
  });
});

test("every output has an input", () => expectNoOrphans(DIR));

describe("the checks of golden outputs", () => {
  const resources = (): JsonResource[] => [...(renderCase(CASES[0]!.input, wasm).proxies[0]?.resources ?? [])];
  const without = (type: JsonResource["type"]) => {
    const all = resources();
    all.splice(
      all.findIndex((resource) => resource.type === type),
      1,
    );
    return all;
  };

  it.each(["cluster", "endpoints", "routes", "extension", "secret"] as const)("find a missing %s", (type) => {
    expect(brokenReferences(without(type))).not.toEqual([]);
  });

  it("find a resource that is there twice, and one that nobody names", () => {
    const [secret] = resources().filter(({ type }) => type === "secret");
    expect(brokenReferences([...resources(), secret!])).toEqual([`secret ${secret!.name} is there twice`]);
    expect(brokenReferences([...resources(), { ...secret!, name: "stray" }])).toEqual([
      "secret stray is there and nobody names it",
    ]);
  });

  it("find a listener without one of its slots", () => {
    const listeners = structuredClone(resources().filter(({ type }) => type === "listener"));
    expect(brokenSlots(listeners)).toEqual([]);
    const text = JSON.stringify(listeners).replaceAll("/authz", "/authx");
    const named = brokenSlots(JSON.parse(text) as JsonResource[]).join("\n");
    for (const { name } of listeners) expect(named).toContain(`listener ${name} has the HTTP filters`);
  });

  it("let Envoy refuse what it cannot read", async () => {
    const broken = structuredClone(resources());
    const { config } = broken.find(({ type }) => type === "cluster")!;
    config.lb_policy = "NO_SUCH_POLICY";
    expect(await refusal(broken, "broken")).toContain("NO_SUCH_POLICY");
  });
});
