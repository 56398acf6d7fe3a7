import { execFile, execFileSync } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { createCleanup, noise, startRegistry, tempFolder, wasmModule } from "../test/fixtures.js";
import { digestOf } from "./digest.js";
import { packPlugin } from "./pack-plugin.js";
import { pullPlugin } from "./pull-plugin.js";
import { pushPlugin } from "./push-plugin.js";
import { parseReference } from "./reference.js";
import { createRegistryClient } from "./remote.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** The real CLI, from `WEFT_ORAS` or the path. */
const oras = findOras();
const reason = oras === undefined ? " (skipped: no oras; name one in WEFT_ORAS)" : "";

describe.skipIf(oras === undefined)(`the oras CLI${reason}`, () => {
  const run = (cwd: string, ...args: string[]) => promisify(execFile)(oras ?? "", args, { cwd });

  test("pulls what was pushed, unpacked into the folder, to the byte", async () => {
    const registry = await startRegistry(cleanup);
    const client = createRegistryClient({ plainHttp: [registry] });
    const reference = parseReference(`${registry}/plugins/retry:v1`);
    const wasm = wasmModule(noise(300_000));
    const pluginYaml = "name: retry\nversion: 1.0.0\n";
    const artifact = await packPlugin({ wasm, pluginYaml, extraFiles: { "docs/README.md": Buffer.from("# Retry\n") } });
    await pushPlugin(client, reference, artifact);

    const folder = await tempFolder(cleanup);
    await run(folder, "pull", "--plain-http", `${registry}/plugins/retry:v1`);
    expect((await readdir(folder)).sort()).toEqual(["docs", "plugin.wasm", "plugin.yaml"]);
    expect(digestOf(await readFile(`${folder}/plugin.wasm`))).toBe(digestOf(wasm));
    expect(await readFile(`${folder}/plugin.yaml`, "utf8")).toBe(pluginYaml);
    const { stdout } = await run(folder, "resolve", "--plain-http", `${registry}/plugins/retry:v1`);
    expect(stdout.trim()).toBe(artifact.manifestDigest);
  });

  test("pushes what we can pull", async () => {
    const registry = await startRegistry(cleanup);
    const client = createRegistryClient({ plainHttp: [registry] });
    const folder = await tempFolder(cleanup);
    const wasm = wasmModule(noise(5_000_000));
    await writeFile(`${folder}/plugin.wasm`, wasm);
    await writeFile(`${folder}/plugin.yaml`, "name: x\n");
    await run(folder, "push", "--plain-http", `${registry}/p:v1`, "plugin.wasm:application/wasm", "plugin.yaml");
    const pulled = await pullPlugin(client, parseReference(`${registry}/p:v1`));
    expect(pulled).toMatchObject({ layout: "single-file", pluginYaml: "name: x\n" });
    expect(digestOf(pulled.wasm)).toBe(digestOf(wasm));

    await run(folder, "cp", "--from-plain-http", "--to-plain-http", `${registry}/p:v1`, `${registry}/copy/of/p:v2`);
    expect((await pullPlugin(client, parseReference(`${registry}/copy/of/p:v2`))).digest).toBe(pulled.digest);
    const { stdout } = await run(folder, "repo", "tags", "--plain-http", `${registry}/copy/of/p`);
    expect(stdout.trim()).toBe("v2");
    await run(folder, "manifest", "delete", "--plain-http", "--force", `${registry}/p:v1`);
    expect(await client.tags({ registry, repository: "p" })).toEqual([]);
  });
});

function findOras(): string | undefined {
  const candidate = process.env.WEFT_ORAS ?? "oras";
  try {
    execFileSync(candidate, ["version"], { stdio: "ignore" });
    return candidate;
  } catch {
    return undefined;
  }
}
