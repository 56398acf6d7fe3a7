/** The files of a new plugin project, by path. */
export function projectFiles(
  name: string,
  packages: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const header = `x-${name}`;
  return {
    "package.json": json({
      name,
      version: "0.1.0",
      private: true,
      type: "module",
      scripts: {
        build: "weft plugin build",
        test: "weft plugin test",
        start: "weft plugin run --config config.json",
        inspect: "weft plugin inspect .",
      },
      devDependencies: packages,
      weft: { expectHeader: header },
    }),
    ".gitignore": "node_modules/\nbuild/\n",
    "config.json": json({ text: "good day" }),
    "plugin.yaml": manifest(name),
    // Editors read AssemblyScript as TypeScript, with other types of its own.
    "assembly/tsconfig.json": json({
      extends: "assemblyscript/std/assembly.json",
      compilerOptions: { experimentalDecorators: true },
      include: ["./**/*.ts"],
    }),
    "assembly/index.ts": source(name, header),
    "test/tsconfig.json": json({
      compilerOptions: {
        target: "es2023",
        module: "nodenext",
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        types: [],
      },
      include: ["./**/*.ts"],
    }),
    [`test/${name}.test.ts`]: test(name, header),
    "README.md": readme(name, header),
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function className(name: string): string {
  return name
    .split("-")
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
}

function manifest(name: string): string {
  return `# What a mesh wants to know of the plugin. The build checks it, and completes it in build/plugin.yaml.
name: ${name}
version: 0.1.0
description: Adds a response header.
side: server # the callee's sidecar; client: the caller's; both: either
`;
}

function source(name: string, header: string): string {
  return `import { Action, config, HttpContext, register } from "@weft/sdk";

/* What a user can configure. Each field has a default; its comment becomes part of the schema. */
@config
class Config {
  /** Value of the header. */
  text: string = "hello";
}

/* One object for each request. Override what you need: onRequestHeaders, onRequestBody, onLog, … */
class ${className(name)} extends HttpContext<Config> {
  onResponseHeaders(endOfStream: bool): Action {
    this.response.headers.set("${header}", this.config.text);
    return Action.Continue;
  }
}

register<${className(name)}, Config>("${name}");
`;
}

function test(name: string, header: string): string {
  return `import { load } from "@weft/sdk/host";
import { expect, it } from "vitest";

// The compiled module, in a Proxy-Wasm host that behaves like Envoy's. weft plugin test compiles it first.
const plugin = (config: object) => load("build/plugin.wasm", { rootId: "${name}", config });

it("adds the header", async () => {
  const host = await plugin({ text: "good day" });
  const { response } = await host.request({ path: "/" }, () => ({ status: 200, body: "from the app" }));
  expect(response?.status).toBe(200);
  expect(response?.headers).toContainEqual(["${header}", "good day"]);
});

it("says hello unless it is told otherwise", async () => {
  const host = await plugin({});
  const { response } = await host.request({ path: "/" }, () => ({ status: 404 }));
  expect(response?.headers).toContainEqual(["${header}", "hello"]);
});

it("refuses a configuration that is wrong, and says why", async () => {
  await expect(plugin({ texts: 1 })).rejects.toThrow(/field "texts" is unknown/);
});
`;
}

function readme(name: string, header: string): string {
  return `# ${name}

A Weft plugin: it adds the response header \`${header}\`.

| option | default | meaning |
| --- | --- | --- |
| \`text\` | \`hello\` | value of the header |

## Work on it

\`\`\`
npm install
npx weft plugin test           # compiles, then runs test/; with --watch again at every save
npx weft plugin run            # in a real Envoy before an upstream that echoes; a save is swapped in
npx weft plugin build          # assembly/ → build/plugin.wasm
npx weft plugin inspect .      # what is in it: host functions, sizes, configuration
npx weft plugin push . REGISTRY/plugins/${name}:0.1.0
\`\`\`

\`weft plugin run --config config.json\` takes the configuration from a file, and again when it is saved.
\`weft plugin run --once\` sends one request and fails unless the response has the header that \`package.json\` names
under \`weft.expectHeader\`. It needs Envoy 1.40.0 and func-e, and says how to get them.

| file | what it is |
| --- | --- |
| \`assembly/index.ts\` | the plugin, in AssemblyScript: TypeScript's syntax, types such as \`i32\`, no closures |
| \`plugin.yaml\` | its manifest |
| \`config.json\` | a configuration to try it with |
| \`test/\` | its tests, in TypeScript with Vitest |
| \`build/\` | what the build writes: the module, and the completed manifest |

What a plugin can do, and how: \`node_modules/@weft/sdk/README.md\`.
`;
}
