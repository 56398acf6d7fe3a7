import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHost, HostError } from "@weft/sdk/host";
import { expect, test } from "vitest";
import { envoyPath, httpListener, wasmFilter } from "../envoy-static.js";
import { LOAD_CASES } from "./load-cases.js";

/** What Envoy says of a module, without running a server. */
async function validate(wasm: Uint8Array): Promise<{ taken: boolean; log: string }> {
  const dir = await mkdtemp(join(tmpdir(), "weft-load-"));
  try {
    const listeners = [httpListener({ name: "load", filters: [wasmFilter({ wasm })] })];
    const config = join(dir, "envoy.json");
    await writeFile(config, JSON.stringify({ static_resources: { listeners } }));
    return await new Promise((resolve) => {
      execFile(envoyPath(), ["--mode", "validate", "-c", config], (error, stdout, stderr) => {
        resolve({ taken: error === null, log: `${stdout}${stderr}` });
      });
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function loadInHost(wasm: Uint8Array): { code: string | undefined; said: string } {
  try {
    const host = createHost(wasm, { config: {}, strict: false });
    return { code: undefined, said: host.violations.map(({ message }) => message).join("\n") };
  } catch (error) {
    if (error instanceof HostError) return { code: error.code, said: error.message };
    throw error;
  }
}

test.each(LOAD_CASES.map((one) => [one.name, one] as const))("%s: the host and Envoy agree", async (_, one) => {
  const { code, said } = loadInHost(one.wasm);
  const envoy = await validate(one.wasm);
  expect(code).toBe(one.code);
  expect(envoy.taken).toBe(one.code === undefined);
  if (one.text === undefined) return;
  expect(envoy.log).toContain(one.text);
  if (one.code === "MODULE" || one.text.startsWith("Function:")) expect(said).toContain(one.text);
});
