import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it, test } from "vitest";
import { importsOf, type SourceFile, sourceFiles, violations } from "./layers.js";

const root = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const isProduct = (path: string) => !/^(test|bench)\//.test(path);

/** Packages that a package may import by name. Relative imports stay inside the package. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  registry: [],
  sdk: ["@weft/sdk"],
  "control-plane": ["@weft/registry", "@weft/sdk/host"],
  cli: ["@weft/registry", "@weft/sdk", "@weft/control-plane"],
};

/** Imports of our own packages that the table does not allow, and relative ones that leave the package. */
function strays(files: readonly SourceFile[], allowed: readonly string[]): string[] {
  return files.flatMap(({ path, text }) =>
    importsOf(text).flatMap(({ specifier }) => {
      const up = path.split("/").length - 1;
      const leaves = specifier.startsWith("../".repeat(up + 1));
      const own =
        specifier.startsWith("@weft/") && !allowed.some((a) => specifier === a || specifier.startsWith(`${a}/`));
      return leaves || own ? [`${path} imports ${specifier}`] : [];
    }),
  );
}

test.each(Object.entries(MAY_IMPORT))("%s imports of our packages only %j", (folder, allowed) => {
  const files = sourceFiles(root(folder), isProduct);
  expect(files.length).toBeGreaterThan(0);
  expect(strays(files, allowed)).toEqual([]);
});

describe("plugins", () => {
  const names = readdirSync(root("plugins")).filter((name) => existsSync(root(`plugins/${name}/plugin.yaml`)));

  it("are there", () => expect(names.length).toBeGreaterThan(0));

  it.each(names)("%s imports the SDK and itself only", (name) => {
    const files = sourceFiles(root(`plugins/${name}/assembly`));
    expect(strays(files, ["@weft/sdk"])).toEqual([]);
    expect(
      files.flatMap(({ path, text }) =>
        importsOf(text).flatMap(({ specifier }) =>
          specifier.startsWith(".") || specifier === "@weft/sdk" ? [] : [`${path} imports ${specifier}`],
        ),
      ),
    ).toEqual([]);
  });
});

test("of the control plane's composition root only the command that runs it knows", () => {
  const users = sourceFiles(root("cli/src")).filter(({ text }) =>
    importsOf(text).some(({ specifier }) => specifier === "@weft/control-plane/main"),
  );
  expect(users.map(({ path }) => path)).toEqual(["commands/control-plane.ts"]);
});

test("a registry that knows the mesh, or reaches into its folder, is found", () => {
  const plant = (text: string) => strays([{ path: "src/x.ts", text }], []);
  expect(plant('import { a } from "@weft/control-plane/model/service";')).toHaveLength(1);
  expect(plant('import { a } from "../../control-plane/src/model/service.js";')).toHaveLength(1);
  expect(plant('import { a } from "../server/index.js";')).toEqual([]);
  expect(violations([{ path: "src/x.ts", text: 'import { a } from "../server/index.js";' }], { src: {} })).toEqual([
    "src/x.ts imports ../server/index.js, of server",
  ]);
});
