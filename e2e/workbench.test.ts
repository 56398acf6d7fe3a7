import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { get } from "./support/requests.js";
import { waitFor } from "./support/wait-for.js";
import { ROOT, type RunningWeft, runWeft, runWeftIn, startWeft } from "./support/weft.js";

// A plugin alone, in a real Envoy before an upstream that echoes.
let dir: string;
let hello: string;
let running: RunningWeft | undefined;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "weft-e2e-"));
  hello = join(dir, "hello");
  await cp(join(ROOT, "plugins", "hello"), hello, { recursive: true });
});
afterAll(async () => {
  running?.signal("SIGKILL");
  await running?.ended;
  await rm(dir, { recursive: true, force: true });
});

it("weft plugin run --once shows a request and its answer, and checks what is expected of it", async () => {
  const { code, stdout } = await runWeft("plugin", "run", hello, "--once", "--expect-header", "X-Hello");
  expect(stdout).toMatch(/^> GET \/hello HTTP\/1\.1$/m);
  expect(stdout).toMatch(/^< x-hello: hello, mesh$/m);
  expect(stdout).toContain('"method": "GET"');
  expect(code).toBe(0);
  const missing = await runWeft("plugin", "run", hello, "--once", "--expect-header", "x-other");
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain("the response has no header x-other");
});

it("takes a configuration from a file", async () => {
  const file = join(dir, "config.json");
  await writeFile(file, '{"name": "you"}');
  const { stdout } = await runWeft("plugin", "run", hello, "--once", "--config", file);
  expect(stdout).toMatch(/^< x-hello: hello, you$/m);
  await writeFile(file, "{");
  const broken = await runWeft("plugin", "run", hello, "--once", "--config", file);
  expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining("is no JSON")]);
});

it("weft plugin run swaps in what is saved, and keeps what runs when it does not compile", async () => {
  const run = startWeft("plugin", "run", hello);
  running = run;
  const port = Number(/:(\d+) →/.exec(await run.printed(/ready .*→ plugin →/))?.[1]);
  const greeting = async () => (await get({ host: "127.0.0.1", port })).headers["x-hello"];
  expect(await greeting()).toBe("hello, mesh");

  const source = join(hello, "assembly", "greeting.ts");
  const text = await readFile(source, "utf8");
  await run.printed(/watching/);
  await writeFile(source, text.replace('"hello"', '"howdy"'));
  await waitFor("the new greeting", async () => ((await greeting()) === "howdy, mesh" ? true : undefined));

  await writeFile(source, text.replace("const GREETING", "const const GREETING"));
  await run.printed(/greeting\.ts:1:/);
  expect(await greeting()).toBe("howdy, mesh");

  run.signal("SIGINT");
  expect(await run.ended).toBe(0);
});

it("weft plugin init makes a project whose plugin does what its README says", async () => {
  const { code, stdout } = await runWeftIn(dir, "plugin", "init", "demo");
  expect([code, stdout]).toEqual([0, expect.stringContaining("npx weft plugin test")]);
  expect((await readdir(join(dir, "demo"))).sort()).toEqual([
    ".gitignore",
    "README.md",
    "assembly",
    "package.json",
    "plugin.yaml",
    "test",
  ]);
  const once = await runWeftIn(join(dir, "demo"), "plugin", "run", "--once");
  expect(once.stdout).toMatch(/^< x-demo: hello$/m);
  expect(once.code).toBe(0);

  const again = await runWeftIn(dir, "plugin", "init", "demo");
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("is not empty")]);
  const badName = await runWeftIn(dir, "plugin", "init", "Bad_Name");
  expect([badName.code, badName.stderr]).toEqual([1, expect.stringContaining("lower-case letters")]);
});
