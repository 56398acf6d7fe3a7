/** The files of a new plugin project, by path. */
export function projectFiles(
  name: string,
  packages: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const header = `x-${name}`;
  const className = name
    .split("-")
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
  return {
    "package.json": `${JSON.stringify(
      {
        name,
        version: "0.1.0",
        private: true,
        type: "module",
        scripts: { build: "weft plugin build", test: "weft plugin test", start: "weft plugin run" },
        devDependencies: packages,
        weft: { expectHeader: header },
      },
      undefined,
      2,
    )}\n`,
    ".gitignore": "node_modules/\nbuild/\n",
    "plugin.yaml": `name: ${name}\nversion: 0.1.0\ndescription: Adds a response header.\nside: server\n`,
    "assembly/tsconfig.json": `${JSON.stringify(
      {
        extends: "assemblyscript/std/assembly.json",
        compilerOptions: { experimentalDecorators: true },
        include: ["./**/*.ts"],
      },
      undefined,
      2,
    )}\n`,
    "assembly/index.ts": `import { Action, config, HttpContext, register } from "@weft/sdk";

@config
class Config {
  /** Value of the header. */
  text: string = "hello";
}

class ${className} extends HttpContext<Config> {
  onResponseHeaders(endOfStream: bool): Action {
    this.response.headers.set("${header}", this.config.text);
    return Action.Continue;
  }
}

register<${className}, Config>("${name}");
`,
    [`test/${name}.test.ts`]: `import { load } from "@weft/sdk/host";
import { expect, it } from "vitest";

it("adds the header", async () => {
  const host = await load("build/plugin.wasm", { rootId: "${name}", config: { text: "good day" } });
  const { response } = await host.request({ path: "/" }, () => ({ status: 200, body: "from the app" }));
  expect(response?.status).toBe(200);
  expect(response?.headers).toContainEqual(["${header}", "good day"]);
});

it("refuses a configuration that is wrong, and says why", async () => {
  await expect(load("build/plugin.wasm", { rootId: "${name}", config: { texts: 1 } })).rejects.toThrow(/texts/);
});
`,
    "README.md": `# ${name}

A Weft plugin: it adds the response header \`${header}\`.

\`\`\`
npx weft plugin build        # assembly/ → build/plugin.wasm
npx weft plugin test         # builds, then runs test/
npx weft plugin run          # in a real Envoy before an echoing upstream, again at every save
npx weft plugin push . REGISTRY/plugins/${name}:0.1.0
\`\`\`

| option | default | meaning |
| --- | --- | --- |
| \`text\` | \`hello\` | value of the header |
`,
  };
}
