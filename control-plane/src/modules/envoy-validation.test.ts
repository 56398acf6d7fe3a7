import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compilePlugin, formatDiagnostic } from "@weft/sdk/build";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { mkServed } from "../../../test/builders.js";
import { envoyPath } from "../../../test/envoy-static.js";
import { moduleWith } from "../../../test/wasm-bytes.js";
import { explain, validateInEnvoy } from "./envoy-validation.js";

/** A plugin whose root does what the text says when it is configured. */
const SOURCE = `
import { config, HttpContext, log, registerRoot, RootContext } from "@weft/sdk";

@config
class Config {
  mode: string = "good";
  unused: i32 = 0;
}
class Root extends RootContext<Config> {
  onConfigure(): bool {
    const mode = this.config.mode;
    log.info("the mode is " + mode);
    if (mode == "trap") {
      log.error("about to break");
      unreachable();
    }
    if (mode == "refuse") {
      log.error("this mode is not for you");
      return false;
    }
    while (mode == "loop") this.config.unused++;
    return true;
  }
}
class Stream extends HttpContext<Config> {}
registerRoot<Stream, Root>("probe");
`;

let wasm: Uint8Array;
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "weft-probe-"));
  await mkdir(join(scratch, "assembly"));
  await writeFile(join(scratch, "plugin.yaml"), "name: probe\nversion: 1.0.0\n");
  await writeFile(join(scratch, "assembly", "index.ts"), SOURCE);
  const built = await compilePlugin({ dir: scratch });
  if (!built.ok) throw new Error(built.diagnostics.map(formatDiagnostic).join("\n"));
  wasm = built.wasm;
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const run = (config: unknown, over: { rootId?: string; wasm?: Uint8Array } = {}, timeoutMs = 100_000) =>
  validateInEnvoy(
    "default/probe",
    mkServed("probe", { rootId: "probe", config: JSON.stringify(config), wasm, ...over }),
    {
      envoyPath: envoyPath(),
      timeoutMs,
    },
  );

describe("in a real Envoy", () => {
  it("a plugin that comes up has no problem", async () => {
    expect(await run({ mode: "good" })).toBeUndefined();
  });

  it("a plugin that traps is refused with what it logged before", async () => {
    const problem = await run({ mode: "trap" });
    expect(problem?.reason).toBe("ConfigureFailed");
    expect(problem?.message).toContain("the mode is trap");
    expect(problem?.message).toContain("about to break");
  });

  it("a plugin that refuses its configuration is refused in its own words", async () => {
    const problem = await run({ mode: "refuse" });
    expect(problem?.reason).toBe("ConfigureFailed");
    expect(problem?.message).toContain("this mode is not for you");
  });

  it("a configuration that does not fit is refused with the field", async () => {
    const problem = await run({ mode: 7 });
    expect(problem?.reason).toBe("ConfigureFailed");
    expect(problem?.message).toContain("mode");
  });

  it("a plugin that loops is ended", async () => {
    expect(await run({ mode: "loop" }, {}, 3_000)).toEqual({
      reason: "ConfigureTimeout",
      message: expect.stringContaining("3000 ms"),
      transient: true,
    });
  });

  it.each<[string, { rootId?: string; wasm?: Uint8Array }]>([
    ["a root id that the module does not register", { rootId: "nobody" }],
    ["bytes that are no module", { wasm: new TextEncoder().encode("no module") }],
    ["a module without callbacks and memory", { wasm: moduleWith(["proxy_abi_version_0_2_1"]) }],
  ])("%s is refused", async (_name, over) => {
    expect(await run({}, over)).toMatchObject({ reason: "ConfigureFailed", message: expect.stringMatching(/\S/) });
  });

  it("says nothing of machines, threads or lines of Envoy's source", async () => {
    const { message } = (await run({ mode: "refuse" })) ?? { message: "" };
    expect(message).not.toMatch(/\.cc:\d|\[\d{4}-\d\d-\d\d|weft-preflight|base64|AGFzbQ/);
    expect(message.length).toBeLessThan(1_501);
  });

  it("leaves nothing behind", async () => {
    const own = await mkdtemp(join(scratch, "tmp-"));
    vi.stubEnv("TMPDIR", own);
    await run({ mode: "good" });
    await run({ mode: "trap" });
    expect(tmpdir()).toBe(own);
    expect(await readdir(own)).toEqual([]);
    vi.unstubAllEnvs();
  });
});

describe("where Envoy itself fails", () => {
  const served = mkServed("probe");
  const script = async (name: string, text: string) => {
    const path = join(scratch, name);
    await writeFile(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return path;
  };

  it("an Envoy that is not there is an error, not the plugin's fault", async () => {
    const options = { envoyPath: join(scratch, "no-envoy"), timeoutMs: 10_000 };
    await expect(validateInEnvoy("default/probe", served, options)).rejects.toThrow(/ENOENT/);
  });

  it("an Envoy that somebody ended is an error, not the plugin's fault", async () => {
    const options = { envoyPath: await script("killed", "kill -9 $$"), timeoutMs: 100_000 };
    await expect(validateInEnvoy("default/probe", served, options)).rejects.toThrow(/SIGKILL/);
  });

  it("an Envoy that crashes on the plugin is the plugin's fault", async () => {
    const options = { envoyPath: await script("crashed", "kill -ABRT $$"), timeoutMs: 100_000 };
    expect(await validateInEnvoy("default/probe", served, options)).toMatchObject({ reason: "ConfigureFailed" });
  });

  it("an Envoy that writes without end fills no memory", async () => {
    const text =
      "i=0; while [ $i -lt 40000 ]; do echo 'Error: 0123456789012345678901234567890123456789'; i=$((i+1)); done; exit 1";
    const problem = await validateInEnvoy("default/probe", served, {
      envoyPath: await script("chatty", text),
      timeoutMs: 100_000,
    });
    expect(problem).toEqual({ reason: "ConfigureFailed", message: "Error: 0123456789012345678901234567890123456789" });
  });
});

describe("explain", () => {
  it.each([
    ["", "Envoy refused the plugin without saying why"],
    [
      "[2026-01-01 00:00:00.000][7][error][wasm] [source/extensions/common/wasm/context.cc:1] wasm log default.p p 1: too large",
      "too large",
    ],
    [
      "[2026-01-01 00:00:00.000][7][info][main] [source/server/server.cc:1] statically linked",
      "Envoy refused the plugin without saying why",
    ],
    ["error initializing configuration 'x': Unable\nUnable to create Wasm plugin p", "Unable to create Wasm plugin p"],
    ["Unable to a\nUnable to a\nUnable to b", "Unable to a; Unable to b"],
  ])("of %j is %j", (output, expected) => {
    expect(explain(output)).toBe(expected);
  });
});
