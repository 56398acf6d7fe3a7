import { describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { runWeft } from "./support/weft.js";

interface Resource {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly config?: { readonly name?: string };
}

const DEMO = ["-f", "examples/demo"];

describe("weft translate", () => {
  it("prints what a proxy would get, as YAML and as JSON", async () => {
    const [yaml, json] = await Promise.all([
      runWeft("translate", ...DEMO, "--proxy", "default/frontend"),
      runWeft("translate", ...DEMO, "--proxy", "frontend", "-o", "json"),
    ]);
    expect([yaml.code, yaml.stderr, json.code, json.stderr]).toEqual([0, "", 0, ""]);
    const resources = JSON.parse(json.stdout) as Resource[];
    expect(parseDocument(yaml.stdout).toJS()).toEqual(resources);
    const names = (type: string) => resources.filter((r) => r.type === type).map(({ name }) => name);
    expect(names("listener")).toEqual(["inbound|8080", "outbound|15001"]);
    expect(names("routes")).not.toEqual([]);
    expect(names("cluster")).toContain("outbound|8080|v2|backend.default.svc.cluster.local");
    expect(names("endpoints")).toContain("outbound|8080|v2|backend.default.svc.cluster.local");
    expect(names("extension")).toContain("weft/out/15001/default");
    const route = resources.find(({ type, config }) => type === "routes" && JSON.stringify(config).includes("|v1|"));
    expect(JSON.stringify(route?.config)).toMatch(/"weight":90.*"weight":10/);
  });

  it("names the proxies that there are when it is asked for another one", async () => {
    const { code, stdout, stderr } = await runWeft("translate", ...DEMO, "--proxy", "default/nobody");
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain("no WorkloadEntry default/nobody");
    expect(stderr).toContain("default/auth, default/backend-v1, default/backend-v2, default/frontend");
  });

  it("says which folder is not there", async () => {
    const { code, stderr } = await runWeft("translate", "-f", "no-such-folder", "--proxy", "a");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^weft: \S*no-such-folder does not exist\n$/);
  });

  it("says what is wrong in the folder, and prints what is right all the same", async () => {
    const { code, stdout, stderr } = await runWeft("translate", "-f", "examples", "--proxy", "frontend", "-o", "json");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^invalid\/weight-sum\.yaml:8: VirtualService default\/weight-sum .*\(WeightSum\)\. Fix: /m);
    expect((JSON.parse(stdout) as Resource[]).map(({ name }) => name)).toContain("inbound|8080");
  });
});

it.each([
  [["translate"], "required option '-f, --file <dir>'"],
  [["translate", ...DEMO, "--proxy", "frontend", "-o", "xml"], "xml"],
  [["translate", ...DEMO, "--proxy", "frontend", "--bogus"], "unknown option '--bogus'"],
  [["up"], "missing required argument 'folder'"],
  [["up", "examples/demo", "--registry-port", "99999"], "a port is 0 to 65535"],
  [["demo", "examples/demo", "--plugins", "plugins", "--output", "xml"], "xml"],
  [["bogus"], "unknown command 'bogus'"],
])("wrong usage has exit code 2: weft %j", async (args, told) => {
  const { code, stdout, stderr } = await runWeft(...args);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain(told);
});

function hasExample(help: string, command: readonly string[]): boolean {
  return new RegExp(`\\nExamples?:\\n  weft ${command.join(" ")} `).test(help);
}

it("the help of every command has an example", async () => {
  const commandsIn = (help: string) =>
    [...(help.split("\nCommands:\n")[1]?.split("\n\n")[0] ?? "").matchAll(/^ {2}([a-z-]+)\b/gm)]
      .map(([, name]) => name!)
      .filter((name) => name !== "help");
  const top = await runWeft("--help");
  expect(top.code).toBe(0);
  const names = commandsIn(top.stdout);
  expect(names).toEqual(expect.arrayContaining(["up", "translate", "plugin"]));
  const missing: string[] = [];
  for (const path of names.map((name) => [name])) {
    const { code, stdout } = await runWeft(...path, "--help");
    expect([path, code]).toEqual([path, 0]);
    const below = commandsIn(stdout);
    if (below.length === 0 && !hasExample(stdout, path)) missing.push(path.join(" "));
    for (const name of below) {
      const { stdout: help } = await runWeft(...path, name, "--help");
      if (!hasExample(help, [...path, name])) missing.push([...path, name].join(" "));
    }
  }
  expect(missing).toEqual([]);
});
