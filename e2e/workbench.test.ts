import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistryServer, type RegistryServer } from "@weft/registry/server";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { get } from "./support/requests.js";
import { waitFor } from "./support/wait-for.js";
import { ROOT, type RunningWeft, runWeft, runWeftIn, startWeft } from "./support/weft.js";

// What the author of a plugin does: a project, its build, its tests, the plugin alone in a real Envoy, a look inside.
let dir: string;
let running: RunningWeft | undefined;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "weft-e2e-"));
});
afterEach(async () => {
  running?.signal("SIGKILL");
  await running?.ended;
  running = undefined;
  vi.unstubAllEnvs();
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A copy of the plugin `hello`, to be changed. */
async function copyHello(name: string): Promise<string> {
  const copy = join(dir, name);
  await cp(join(ROOT, "plugins", "hello"), copy, { recursive: true });
  return copy;
}

async function replace(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(file, "utf8");
  expect(text).toContain(from);
  await writeFile(file, text.replace(from, to));
}

/** Counts requests in two metrics, logs, and calls for help at /trap. */
const NOISY = `import { Action, config, Counter, HttpContext, log, LocalResponse, register } from "@weft/sdk";
@config
class Config {
  greeting: string = "hello";
}
const seen = new Counter("seen");

class Noisy extends HttpContext<Config> {
  onRequestHeaders(endOfStream: bool): Action {
    const path = this.request.headers.get(":path");
    seen.increment();
    log.info(this.config.greeting + " from the plugin");
    if (path !== null && path == "/trap") unreachable();
    if (path !== null && path == "/no") {
      new LocalResponse(403).send();
      return Action.PauseAll;
    }
    return Action.Continue;
  }
}
register<Noisy, Config>("hello");
`;

describe("weft plugin run", () => {
  it("--once shows a request and its answer, and checks what is expected of it", async () => {
    const hello = await copyHello("once");
    const { code, stdout } = await runWeft("plugin", "run", hello, "--once", "--expect-header", "X-Hello");
    expect(stdout).toMatch(/^> GET \/hello HTTP\/1\.1$/m);
    expect(stdout).toMatch(/^< x-hello: hello, mesh$/m);
    expect(stdout).toContain('"method": "GET"');
    expect(code).toBe(0);
    const missing = await runWeft("plugin", "run", hello, "--once", "--expect-header", "x-other");
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("the response has no header x-other");
    const data = await runWeft("plugin", "run", hello, "--once", "-o", "json");
    expect(JSON.parse(data.stdout)).toMatchObject({
      ok: true,
      request: { method: "GET", path: "/hello" },
      response: { status: 200, headers: { "x-hello": "hello, mesh" } },
    });
  });

  it("takes a configuration from a file, and says what is wrong with it before Envoy starts", async () => {
    const hello = await copyHello("config");
    const file = join(dir, "config.json");
    const once = () => runWeft("plugin", "run", hello, "--once", "--config", file);
    await writeFile(file, '{"name": "you"}');
    expect((await once()).stdout).toMatch(/^< x-hello: hello, you$/m);
    await writeFile(file, "{");
    const broken = await once();
    expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining("is no JSON")]);
    await writeFile(file, '{"nam": "you"}');
    const refused = await once();
    expect([refused.code, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toContain("the plugin refuses its configuration");
    expect(refused.stderr).toContain('field "nam" is unknown; known fields: name');
    const upstream = await runWeft("plugin", "run", hello, "--once", "--upstream", "localhost:80");
    expect([upstream.code, upstream.stderr]).toEqual([1, expect.stringContaining("write http://host:port")]);
  });

  it("says how to get Envoy where there is none", async () => {
    vi.stubEnv("ENVOY_PATH", join(dir, "no-envoy"));
    const { code, stderr } = await runWeft("plugin", "run", join(ROOT, "plugins", "hello"), "--once");
    expect(code).toBe(1);
    expect(stderr).toContain("is no program");
    expect(stderr).toContain("ENVOY_PATH=$(ENVOY_VERSION=1.40.0 func-e which)");
  });

  it("swaps in what is saved, and keeps what runs when it does not compile", async () => {
    const hello = await copyHello("swapped");
    running = startWeft("plugin", "run", hello);
    const run = running;
    const port = Number(/:(\d+) →/.exec(await run.printed(/ready .*→ plugin →/))?.[1]);
    const greeting = async () => (await get({ host: "127.0.0.1", port })).headers["x-hello"];
    expect(await greeting()).toBe("hello, mesh");

    const source = join(hello, "assembly", "greeting.ts");
    await run.printed(/watching/);
    await replace(source, '"hello"', '"howdy"');
    await waitFor("the new greeting", async () => ((await greeting()) === "howdy, mesh" ? true : undefined));

    await replace(source, "const GREETING", "const const GREETING");
    await run.printed(/greeting\.ts:1:1: error/);
    await run.printed(/> 1 \| const const GREETING = "howdy";/);
    expect(await greeting()).toBe("howdy, mesh");

    run.signal("SIGINT");
    expect(await run.ended).toBe(0);
  });

  it("shows requests, logs, metrics and traps, and tests a saved configuration before it is swapped in", async () => {
    const noisy = await copyHello("noisy");
    await writeFile(join(noisy, "assembly", "index.ts"), NOISY);
    const file = join(dir, "noisy.json");
    await writeFile(file, '{"greeting": "good day"}');
    running = startWeft("plugin", "run", noisy, "--config", file);
    const run = running;
    const port = Number(/:(\d+) →/.exec(await run.printed(/ready .*→ plugin →/))?.[1]);
    const request = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    await run.printed(/watching .*noisy\.json/);

    expect((await request("/a?b=1")).status).toBe(200);
    await run.printed(/request +GET \/a\?b=1 → 200 in \d+ ms/);
    await run.printed(/log info +good day from the plugin/);
    await run.printed(/metrics +seen 1 \(\+1\)/);
    expect((await request("/no")).status).toBe(403);
    await run.printed(/request +GET \/no → 403/);

    await writeFile(file, '{"greting": "hi"}');
    await run.printed(/refused .*the plugin refuses its configuration/);
    expect((await request("/still")).status).toBe(200);
    await run.printed(/GET \/still → 200/);
    await writeFile(file, '{"greeting": "good night"}');
    await run.printed(/swapped/);
    expect((await request("/after")).status).toBe(200);
    await run.printed(/log info +good night from the plugin/);

    expect((await request("/trap")).status).toBe(503);
    await run.printed(/envoy error +Function: proxy_on_request_headers failed/);
    await run.printed(/envoy error .*0x[0-9a-f]+ - proxy_on_request_headers/);
    run.signal("SIGINT");
    expect(await run.ended).toBe(0);
  });
});

describe("weft plugin build", () => {
  it("tells sizes, callbacks, host calls and options, as text and as data", async () => {
    const hello = await copyHello("built");
    const { stdout } = await runWeft("plugin", "build", hello);
    expect(stdout).toMatch(/release +hello 0\.1\.0, .* KiB; .* KiB as an image's layer/);
    expect(stdout).toMatch(/callbacks .*proxy_on_response_headers/);
    expect(stdout).toMatch(/host calls .*proxy_log/);
    expect(stdout).toMatch(/configuration +1 option: name/);
    const data = JSON.parse((await runWeft("plugin", "build", hello, "--output", "json")).stdout);
    const wasm = await readFile(join(hello, "build", "plugin.wasm"));
    expect(data).toMatchObject({
      ok: true,
      name: "hello",
      variant: "release",
      wasmBytes: wasm.length,
      diagnostics: [],
    });
    expect(data.layerBytes).toBeLessThan(wasm.length);
    expect(data.configOptions).toEqual([expect.objectContaining({ path: "name", type: "string", default: "mesh" })]);
    expect(await readFile(join(hello, "build", "plugin.yaml"), "utf8")).toContain("configSchema:");
  });

  it("--debug has a source map of the author's files, and the next release removes it", async () => {
    const hello = await copyHello("debug");
    const debug = JSON.parse((await runWeft("plugin", "build", hello, "--debug", "-o", "json")).stdout);
    const map = JSON.parse(await readFile(debug.sourceMapPath, "utf8"));
    expect(map.sources).toContain("assembly/index.ts");
    const release = JSON.parse((await runWeft("plugin", "build", hello, "-o", "json")).stdout);
    expect(debug.wasmBytes).toBeGreaterThan(release.wasmBytes);
    expect(await readdir(join(hello, "build"))).not.toContain("plugin.wasm.map");
    expect((await runWeft("plugin", "build", hello, "--debug", "--release")).code).toBe(2);
  });

  it("shows mistakes with the lines they are in, as text and as data", async () => {
    const hello = await copyHello("mistaken");
    await replace(join(hello, "assembly", "greeting.ts"), "return GREETING", "return GREETIN");
    const text = await runWeft("plugin", "build", hello);
    expect([text.code, text.stdout]).toEqual([1, ""]);
    expect(text.stderr).toContain("assembly/greeting.ts:5:10: error: Cannot find name 'GREETIN'. (TS2304)");
    expect(text.stderr).toMatch(/^> 5 \| {3}return GREETIN \+ .*\n {4}\| {10}\^{7}$/m);
    const data = await runWeft("plugin", "build", hello, "-o", "json");
    expect([data.code, data.stderr]).toEqual([1, ""]);
    expect(JSON.parse(data.stdout)).toEqual({
      ok: false,
      diagnostics: [
        {
          severity: "error",
          file: "assembly/greeting.ts",
          line: 5,
          column: 10,
          endLine: 5,
          endColumn: 17,
          code: "TS2304",
          message: "Cannot find name 'GREETIN'.",
        },
      ],
    });
  });

  it("explains what is wrong in generated code by the configuration class", async () => {
    const hello = await copyHello("generated");
    await replace(join(hello, "assembly", "index.ts"), 'name: string = "mesh"', 'readonly name: string = "mesh"');
    const { code, stderr } = await runWeft("plugin", "build", hello);
    expect(code).toBe(1);
    expect(stderr).toMatch(/assembly\/index\.ts:5:7: error: Cannot assign to .*Config#name/);
    expect(stderr).toMatch(/^> 5 \| class Config \{$/m);
    expect(stderr).toContain("note: the JSON reader is generated from the fields of this @config class");
  });

  it.each([
    [
      "side: server",
      "side: left",
      /plugin\.yaml:\d+:1: error: field "side" is "left"; it must be client, server, both/,
    ],
    ["side: server", "rootId: other", /plugin\.yaml:\d+:1: error: rootId "other" is not registered; .* "hello"/],
    ["side: server", "capabilities: [proxy_done]", /plugin\.yaml:\d+:1: error: the module calls .*proxy_log/],
  ])("names the field of plugin.yaml and its line: %s → %s", async (from, to, message) => {
    const hello = await copyHello(`manifest-${to.replaceAll(/\W/g, "")}`);
    const file = join(hello, "plugin.yaml");
    const manifest = await readFile(file, "utf8");
    await writeFile(file, `${manifest.replace(/^side:.*\n/m, "")}${from}\n`);
    await replace(file, from, to);
    const { code, stderr } = await runWeft("plugin", "build", hello);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });
});

describe("weft plugin inspect", () => {
  let registry: RegistryServer;
  let hello: string;
  beforeAll(async () => {
    registry = await createRegistryServer({ dir: join(dir, "registry") });
    hello = await copyHello("inspected");
  });
  afterAll(() => registry?.close());

  it("looks into a folder's build, a file, and an image alike", async () => {
    const early = await copyHello("not-built");
    await rm(join(early, "build"), { recursive: true, force: true });
    const unbuilt = await runWeft("plugin", "inspect", early);
    expect([unbuilt.code, unbuilt.stderr]).toEqual([1, expect.stringContaining("run weft plugin build")]);

    const host = `127.0.0.1:${registry.port}`;
    const reference = `${host}/plugins/hello:0.1.0`;
    const pushed = await runWeft("plugin", "push", hello, reference, "--plain-http", host, "-o", "json");
    const { digest } = JSON.parse(pushed.stdout);
    const folder = await runWeft("plugin", "inspect", hello);
    expect(folder.code).toBe(0);
    expect(folder.stdout).toMatch(/ABI +0\.2\.1/);
    expect(folder.stdout).toMatch(/root id +hello/);
    expect(folder.stdout).toMatch(/log +proxy_get_log_level proxy_log/);
    expect(folder.stdout).toMatch(/name +string +"mesh" +Who is greeted\./);
    expect(folder.stdout).toMatch(/^ {2}code +[\d.]+ KiB$/m);
    expect(folder.stdout).toContain("✓ Envoy 1.40 loads it");

    const file = JSON.parse(
      (await runWeft("plugin", "inspect", join(hello, "build", "plugin.wasm"), "-o", "json")).stdout,
    );
    const image = await runWeft("plugin", "inspect", reference, "--plain-http", host, "-o", "json");
    const found = JSON.parse(image.stdout);
    expect(found).toMatchObject({ ok: true, source: reference, image: { digest } });
    expect(found.image).toMatchObject({
      annotations: { "module.wasm.image/variant": "compat", "org.opencontainers.image.version": "0.1.0" },
      extraFiles: ["README.md"],
    });
    expect(found.module).toEqual(file.module);
    expect(found.manifest).toEqual(file.manifest);
    const text = await runWeft("plugin", "inspect", reference, "--plain-http", host);
    expect(text.stdout).toContain(digest);
    const absent = await runWeft("plugin", "inspect", `${host}/plugins/absent:1`, "--plain-http", host);
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining("plugins/absent")]);
  });

  it("--config loads it too", async () => {
    const file = join(dir, "inspect.json");
    await writeFile(file, '{"name": "you"}');
    expect((await runWeft("plugin", "build", hello)).code).toBe(0);
    expect((await runWeft("plugin", "inspect", hello, "--config", file)).code).toBe(0);
    await writeFile(file, '{"nam": "you"}');
    const refused = await runWeft("plugin", "inspect", hello, "--config", file);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(/✗ pre-flight, configure: .*field "nam" is unknown/);
  });

  it("says why something cannot be used", async () => {
    const empty = join(dir, "empty.wasm");
    await writeFile(empty, Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
    const useless = await runWeft("plugin", "inspect", empty);
    expect(useless.code).toBe(1);
    expect(useless.stdout).toMatch(/✗ Missing or unknown Proxy-Wasm ABI version[\s\S]*✗ it cannot be used/);
    const text = await runWeft("plugin", "inspect", join(ROOT, "package.json"), "-o", "json");
    expect([text.code, JSON.parse(text.stdout)]).toMatchObject([1, { ok: false }]);
    for (const target of ["nowhere", "./nowhere.wasm", dir]) {
      const absent = await runWeft("plugin", "inspect", target);
      expect([absent.code, absent.stderr]).toEqual([1, expect.stringMatching(/is neither a file|is no plugin/)]);
    }
  });
});

describe("weft plugin init", () => {
  let demo: string;
  beforeAll(async () => {
    const { code, stdout } = await runWeftIn(dir, "plugin", "init", "demo");
    expect([code, stdout]).toEqual([0, expect.stringContaining("npx weft plugin test")]);
    demo = join(dir, "demo");
    // What npm install would put there.
    await symlink(join(ROOT, "node_modules"), join(demo, "node_modules"));
  });

  it("makes a project whose plugin does what its README says", async () => {
    expect((await readdir(demo)).sort()).toEqual([
      ".gitignore",
      "README.md",
      "assembly",
      "config.json",
      "node_modules",
      "package.json",
      "plugin.yaml",
      "test",
    ]);
    const once = await runWeftIn(demo, "plugin", "run", "--once", "--config", "config.json");
    expect(once.stdout).toMatch(/^< x-demo: good day$/m);
    expect(once.code).toBe(0);
  });

  it("has tests that pass, and arguments go to Vitest", async () => {
    const passed = await runWeftIn(demo, "plugin", "test");
    expect([passed.code, passed.stdout]).toEqual([0, expect.stringMatching(/3 passed/)]);
    const one = await runWeftIn(demo, "plugin", "test", "--", "-t", "adds the header");
    expect([one.code, one.stdout]).toEqual([0, expect.stringMatching(/1 passed.*2 skipped/)]);
  });

  it("test --watch runs the tests again when the plugin is saved", async () => {
    running = startWeft("plugin", "test", demo, "--watch");
    const run = running;
    const source = join(demo, "assembly", "index.ts");
    await run.printed(/Waiting for file changes/);
    await replace(source, '"x-demo"', '"x-other"');
    await run.printed(/Tests failed/);
    const since = run.mark();
    await replace(source, '"x-other"', '"x-demo"');
    await run.printed(/Waiting for file changes/, since);
    await replace(source, "class Demo", "class class Demo");
    await run.printed(/index\.ts:\d+:\d+: error: Identifier expected/);
    run.signal("SIGINT");
    expect(await run.ended).toBe(0);
    await replace(source, "class class Demo", "class Demo");
  });

  it("has types for editors: none of its files has an error", async () => {
    const { spawnSync } = await import("node:child_process");
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    const check = (project: string) =>
      spawnSync(process.execPath, [tsc, "--noEmit", "-p", project], { cwd: demo, encoding: "utf8" }).stdout;
    // Standard TypeScript does not know the whole of AssemblyScript, which the SDK uses; the author's files it does.
    expect(
      check("assembly")
        .split("\n")
        .filter((line) => line.startsWith("assembly/")),
    ).toEqual([]);
    expect(check("test")).toBe("");
    await mkdir(join(demo, "types"));
    await cp(join(demo, "assembly"), join(demo, "types"), { recursive: true });
    await replace(join(demo, "types", "index.ts"), "this.config.text", "this.config.txt");
    expect(check("types")).toContain("Property 'txt' does not exist on type 'Config'");
  });

  it("refuses what is there, and what can be no name", async () => {
    const again = await runWeftIn(dir, "plugin", "init", "demo");
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("is not empty")]);
    for (const name of ["Bad_Name", "../up", "1st", "a".repeat(64)]) {
      const bad = await runWeftIn(dir, "plugin", "init", name);
      expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining("lower-case letters")]);
    }
  });
});

it.each(["init", "build", "test", "run", "inspect", "push"])(
  "weft plugin %s --help has an example and the exit codes",
  async (command) => {
    const { code, stdout } = await runWeft("plugin", command, "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nExamples?:\n {2}weft plugin /);
    expect(stdout).toMatch(/\nExit codes: 0 /);
  },
);
