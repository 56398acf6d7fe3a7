import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The packages that a plugin project needs, as `devDependencies` that name what this command itself came from. */
export function projectPackages(cwd: string): Record<string, string> {
  const own = ["@weft/control-plane", "@weft/registry", "@weft/sdk", "weft"];
  const specs = Object.fromEntries(own.map((name) => [name, specOf(name, cwd)]));
  return { ...specs, vitest: "4.1.12" };
}

function specOf(name: string, cwd: string): string {
  const tarball = tarballOf(name, cwd) ?? tarballOf(name, packageDir("weft"));
  if (tarball !== undefined) return `file:${tarball}`;
  const dir = packageDir(name);
  if (!dir.split(/[/\\]/).includes("node_modules")) return `file:${dir}`;
  return (JSON.parse(readFileSync(join(dir, "package.json"), "utf8")) as { version: string }).version;
}

type Specs = Record<string, string> | undefined;

/** The tarball that a package.json above names for the package, as after `npm install weft-*.tgz`. */
function tarballOf(name: string, cwd: string): string | undefined {
  for (let dir = resolve(cwd); ; dir = dirname(dir)) {
    const file = join(dir, "package.json");
    if (existsSync(file)) {
      const { dependencies, devDependencies } = JSON.parse(readFileSync(file, "utf8")) as Record<string, Specs>;
      const spec = dependencies?.[name] ?? devDependencies?.[name];
      if (spec?.startsWith("file:") && spec.endsWith(".tgz")) return resolve(dir, spec.slice("file:".length));
    }
    if (dir === dirname(dir)) return undefined;
  }
}

/** Where a package is, links resolved. */
function packageDir(name: string): string {
  const require = createRequire(import.meta.url);
  let dir =
    name === "weft"
      ? dirname(fileURLToPath(import.meta.url))
      : dirname(require.resolve(ENTRIES[name] ?? `${name}/package.json`));
  while (!isPackage(dir, name)) dir = dirname(dir);
  return dir;
}

/** Something that each package exports. */
const ENTRIES: Readonly<Record<string, string>> = {
  "@weft/control-plane": "@weft/control-plane/config",
  "@weft/registry": "@weft/registry",
};

function isPackage(dir: string, name: string): boolean {
  const file = join(dir, "package.json");
  return existsSync(file) && (JSON.parse(readFileSync(file, "utf8")) as { name?: string }).name === name;
}
