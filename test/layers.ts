import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative, sep } from "node:path";

/** A source file; the path is relative to the root of what is checked, with slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** One import or re-export, types included: a layer that knows another's types knows the layer. */
export interface Import {
  readonly specifier: string;
  /** What is taken by name; empty for anything else. */
  readonly names: readonly string[];
}

/** What the files of one folder may do. */
export interface Layer {
  /** Other folders, and files of the root without `.ts`. The own folder always. */
  readonly folders?: readonly string[];
  /** Packages and modules of Node: `node:fs`, `yaml`; a package stands for its subpaths too. Absent: all. */
  readonly packages?: readonly string[];
  /** Of a module in `packages` these names only. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  /** What must not occur in code; comments and text between quotes do not count. */
  readonly banned?: Readonly<Record<string, RegExp>>;
}

/** The TypeScript files below a folder that are neither tests nor made by a build. */
export function sourceFiles(root: string, isSource: (path: string) => boolean = () => true): SourceFile[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !/\.(test|contract|d)\.ts$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((path) => !/(^|\/)(node_modules|dist|gen|testdata)\//.test(path) && isSource(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

const IMPORT = /\b(?:import|export)\s+(?:type\s+)?(?<clause>[\w*{][^;"']*?)\s+from\s+["'](?<from>[^"']+)["']/g;
const BARE_IMPORT = /\bimport\s*\(?\s*["'](?<from>[^"']+)["']/g;

/** All imports of a text, dynamic ones with a constant name included. */
export function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  const named = [...code.matchAll(IMPORT)].map(({ groups }) => ({
    specifier: groups?.from ?? "",
    names: (/\{([^}]*)\}/.exec(groups?.clause ?? "")?.[1] ?? "")
      .split(",")
      .map((name) =>
        name
          .trim()
          .replace(/^type\s+/, "")
          .replace(/\s+as\s+\w+$/, ""),
      )
      .filter((name) => name !== ""),
  }));
  const bare = [...code.matchAll(BARE_IMPORT)].map(({ groups }) => ({ specifier: groups?.from ?? "", names: [] }));
  return [...named, ...bare];
}

/**
 * What the files do that the table does not allow, one line each. The table's keys are folders, or files of the root
 * without `.ts`, or single files with their path; a file's own entry counts instead of its folder's.
 */
export function violations(files: readonly SourceFile[], table: Readonly<Record<string, Layer>>): string[] {
  return files.flatMap((file) => {
    const own = folderOf(file.path);
    const layer = table[file.path] ?? table[own];
    if (layer === undefined) return [`${file.path}: the table has no line for ${own}`];
    return [...importProblems(file, own, layer), ...bannedProblems(file, layer)];
  });
}

function importProblems({ path, text }: SourceFile, own: string, layer: Layer): string[] {
  return importsOf(text).flatMap(({ specifier, names }) => {
    if (specifier.startsWith(".")) {
      const target = normalize(join(dirname(path), specifier))
        .split(sep)
        .join("/");
      const folder = target.startsWith("..") ? target : folderOf(target);
      return folder === own || layer.folders?.includes(folder) ? [] : [`${path} imports ${specifier}, of ${folder}`];
    }
    const { packages, names: allowedNames = {} } = layer;
    if (packages !== undefined && !packages.some((name) => specifier === name || specifier.startsWith(`${name}/`)))
      return [`${path} imports ${specifier}`];
    const allowed = allowedNames[specifier];
    if (allowed === undefined) return [];
    const others = names.length === 0 ? ["all"] : names.filter((name) => !allowed.includes(name));
    return others.map((name) => `${path} imports ${name} of ${specifier}`);
  });
}

function bannedProblems({ path, text }: SourceFile, { banned = {} }: Layer): string[] {
  const code = withoutStrings(withoutComments(text));
  return Object.entries(banned).flatMap(([what, pattern]) => (pattern.test(code) ? [`${path} uses ${what}`] : []));
}

/** `translate/json.ts` → `translate`, `main.js` → `main`. */
function folderOf(path: string): string {
  const [first = "", ...rest] = path.split("/");
  return rest.length > 0 ? first : first.replace(/\.[jt]s$/, "");
}

/** Quoted text is kept, because an address in it looks like a comment. */
function withoutComments(text: string): string {
  return text.replace(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (_all, quoted: string | undefined) => quoted ?? " ",
  );
}

function withoutStrings(code: string): string {
  return code.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '""');
}
