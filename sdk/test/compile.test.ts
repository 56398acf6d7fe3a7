import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type CompilePluginResult, compilePlugin, formatDiagnostic, parsePluginYaml } from "../build/index.js";
import { describeModule } from "../wasm/describe-module.js";
import { readSections } from "../wasm/sections.js";
import { buildSource } from "./build-source.js";
import { configurable } from "./configure.js";

const FRAME = ["_initialize", "malloc", "memory", "proxy_abi_version_0_2_1"];
const BASE = ["proxy_on_configure", "proxy_on_context_create", "proxy_on_delete"];
const BASE_IMPORTS = ["proxy_get_buffer_bytes", "proxy_get_log_level", "proxy_get_property", "proxy_log"];

function plugin(body: string, imports = "HttpContext, NoConfig, Action, register"): string {
  return `import { ${imports} } from "@weft/sdk";\nclass S extends HttpContext<NoConfig> {\n${body}\n}\nregister<S, NoConfig>("probe");\n`;
}

function succeeded(built: CompilePluginResult): CompilePluginResult & { ok: true } {
  if (!built.ok) throw new Error(built.diagnostics.map(formatDiagnostic).join("\n"));
  return built;
}

describe("exports and imports", () => {
  test.each([
    ["nothing", plugin(""), [], []],
    [
      "one callback",
      plugin('onRequestHeaders(end: bool): Action { this.request.headers.set("a", "b"); return Action.Continue; }'),
      ["proxy_on_request_headers"],
      ["proxy_replace_header_map_value"],
    ],
    ["the access log", plugin("onLog(): void {}"), ["proxy_on_log"], []],
    [
      "a base class in another file",
      'import { NoConfig, register } from "@weft/sdk";\nimport { Base } from "./base";\nclass S extends Base {}\nregister<S, NoConfig>("probe");',
      ["proxy_on_response_headers"],
      [],
    ],
  ])("%s", async (_, source, callbacks, imports) => {
    const base = `import { Action, HttpContext, NoConfig } from "@weft/sdk";
      export class Base extends HttpContext<NoConfig> { onResponseHeaders(end: bool): Action { return Action.Continue; } }`;
    const { wasm, manifest } = succeeded(await buildSource({ source, files: { "assembly/base.ts": base } }));
    const module = describeModule(wasm);
    expect(module.hasStartSection).toBe(false);
    expect([...module.exportKinds.keys()].sort()).toEqual([...FRAME, ...BASE, ...callbacks].sort());
    expect(module.imports.map(({ name }) => name).sort()).toEqual([...BASE_IMPORTS, ...imports].sort());
    expect(manifest.callbacks).toEqual([...BASE, ...callbacks].sort());
    expect(manifest.capabilities).toEqual([...BASE_IMPORTS, ...imports].sort());
  });
});

describe("the bytes", () => {
  const hello = fileURLToPath(new URL("../../plugins/hello", import.meta.url));

  test("are the same for the same source, wherever the folder is", async () => {
    const dir = await mkdtemp(join(tmpdir(), "weft-plugin-"));
    try {
      await cp(hello, join(dir, "deep", "copy"), { recursive: true });
      const [first, second, copy] = [
        succeeded(await compilePlugin({ dir: hello })),
        succeeded(await compilePlugin({ dir: hello })),
        succeeded(await compilePlugin({ dir: join(dir, "deep", "copy") })),
      ];
      expect(Buffer.from(second.wasm).equals(first.wasm)).toBe(true);
      expect(Buffer.from(copy.wasm).equals(first.wasm)).toBe(true);
      expect(copy.pluginYaml).toBe(first.pluginYaml);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  test("of compilations at the same time do not mix", async () => {
    const sources = ["a", "b", "c"].map((value) => plugin(`onLog(): void { this.labels.set("x", "${value}"); }`));
    const alone = [];
    for (const source of sources) alone.push(succeeded(await buildSource({ source })).wasm);
    const together = await Promise.all(sources.map((source) => buildSource({ source })));
    expect(together.map((built) => Buffer.from(succeeded(built).wasm))).toEqual(alone.map((wasm) => Buffer.from(wasm)));
  });

  test("have the names of functions, unless told otherwise", async () => {
    const source = plugin("onLog(): void {}");
    const custom = async (names: boolean) =>
      readSections(succeeded(await buildSource({ source, names })).wasm).filter((section) => section.id === 0);
    const named = await custom(true);
    expect(named).toHaveLength(1);
    expect(Buffer.from(named[0]!.payload).toString("latin1")).toContain("proxy_on_log");
    expect(await custom(false)).toEqual([]);
  });

  test("the author's schema is that of the registered plugin", async () => {
    const source = `import { config, HttpContext, register } from "@weft/sdk";
      @config class A { a: i32 = 1; }
      @config class B { b: i32 = 2; }
      class S extends HttpContext<A> {}
      class T extends HttpContext<B> {}
      register<S, A>("a");
      register<T, B>("b");`;
    const manifest = "name: probe\nversion: 1.0.0\nrootId: b\n";
    expect(Object.keys(succeeded(await buildSource({ source, manifest })).schema.properties ?? {})).toEqual(["b"]);
  });
});

test("a plugin that reads one header and adds one is smaller than 12 KB, with names", async () => {
  const source = plugin(`
    onRequestHeaders(end: bool): Action {
      const value = this.request.headers.get("x-in");
      if (value !== null && value.length > 1000) return Action.Pause;
      return Action.Continue;
    }
    onResponseHeaders(end: bool): Action {
      this.response.headers.add("x-out", "from-plugin");
      return Action.Continue;
    }`);
  expect(succeeded(await buildSource({ source })).wasm.length).toBeLessThan(12_000);
});

test("what a configuration does not need is not in the module", async () => {
  const size = async (fields: string) => {
    const source = `import { config, HttpContext, register } from "@weft/sdk";
      @config class C { ${fields} }
      class S extends HttpContext<C> {}
      register<S, C>("probe");`;
    return succeeded(await buildSource({ source, names: false })).wasm.length;
  };
  const text = await size('a: string = "";');
  expect(await size('a: string = ""; b: i32 = 0;')).toBeGreaterThan(text + 200);
  expect(await size('a: string = ""; b: f64 = 0;')).toBeGreaterThan(text + 300);
  expect(await size('a: string = ""; b: string[] = [];')).toBeGreaterThan(text + 200);
});

test("a module that has other plugins than the host asks for says so", async () => {
  const source = `${plugin("")}register<S, NoConfig>("second");`;
  const { wasm } = succeeded(await buildSource({ source }));
  expect(configurable(wasm)("{}")).toEqual({
    accepted: false,
    logs: ['plugin "": the module has no plugin with this root_id; it has: probe, second'],
  });
});

test("a plugin without configuration refuses any", async () => {
  const configure = configurable(succeeded(await buildSource({ source: plugin("") })).wasm);
  expect(configure("").accepted).toBe(true);
  expect(configure('{"a":1}')).toEqual({
    accepted: false,
    logs: ['plugin "probe": configuration refused: this plugin takes none'],
  });
});

describe("mistakes", () => {
  test.each([
    [
      "a type error",
      plugin("onLog(): void { let x: i32 = 'text'; }"),
      "assembly/index.ts",
      3,
      "Type '~lib/string/String' is not assignable to type 'i32'.",
    ],
    ["a syntax error", plugin("onLog(): void { let = ; }"), "assembly/index.ts", 3, "Identifier expected."],
    [
      "a name that is not there",
      plugin("onLog(): void { nothing(); }"),
      "assembly/index.ts",
      3,
      "Cannot find name 'nothing'.",
    ],
    [
      "a file that is not there",
      `import "./missing";\n${plugin("")}`,
      "assembly/index.ts",
      1,
      "File 'assembly/missing.ts' not found.",
    ],
    ["no registration", 'import "@weft/sdk";', "plugin.yaml", 1, 'call register<Stream, Config>("probe")'],
    ["another root id", plugin("").replace("probe", "other"), "plugin.yaml", 1, 'the module registers "other"'],
    [
      "a root id that is twice there",
      `${plugin("")}register<S, NoConfig>("probe");`,
      "assembly/index.ts",
      6,
      'root id "probe" is registered twice',
    ],
    [
      "a configuration class without @config",
      'import { HttpContext, register } from "@weft/sdk";\nclass C {}\nclass S extends HttpContext<C> {}\nregister<S, C>("probe");',
      "assembly/index.ts",
      4,
      "class C must be marked @config",
    ],
  ])("%s", async (_, source, file, line, message) => {
    const built = await buildSource({ source });
    expect(built.ok).toBe(false);
    const found = built.diagnostics.find((diagnostic) => diagnostic.message.includes(message));
    expect(built.diagnostics.map(formatDiagnostic).join("\n")).toContain(message);
    expect({ severity: found?.severity, file: found?.file, line: found?.line }).toEqual({
      severity: "error",
      file,
      line,
    });
  });

  test("a host function beyond what the manifest allows", async () => {
    const manifest =
      "name: probe\nversion: 1.0.0\ncapabilities: [proxy_log, proxy_get_log_level, proxy_get_property]\n";
    const built = await buildSource({ source: plugin(""), manifest });
    expect(built.diagnostics.map(formatDiagnostic)).toEqual([
      'plugin.yaml:3:1: error: the module calls proxy_get_buffer_bytes, which "capabilities" does not list',
    ]);
  });

  test.each(["plugin.yaml", "assembly/index.ts"])("no %s", async (missing) => {
    const dir = await mkdtemp(join(tmpdir(), "weft-plugin-"));
    try {
      await cp(fileURLToPath(new URL("../../plugins/hello", import.meta.url)), dir, { recursive: true });
      await rm(join(dir, missing));
      const built = await compilePlugin({ dir });
      expect(built.diagnostics.map((diagnostic) => diagnostic.message)).toEqual([`there is no ${missing} in ${dir}`]);
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});

test.each(["hello", "canary", "rate-limit", "retry", "telemetry"])(
  "%s: its manifest is read back as it was",
  async (name) => {
    const built = succeeded(
      await compilePlugin({ dir: fileURLToPath(new URL(`../../plugins/${name}`, import.meta.url)) }),
    );
    const parsed = parsePluginYaml(built.pluginYaml);
    expect(parsed).toEqual({ ok: true, manifest: built.manifest });
    expect(built.wasm.length).toBeLessThan(64 * 1024);
  },
);
