import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compilePlugin, formatDiagnostic } from "@weft/sdk/build";

const GUIDE = fileURLToPath(new URL("../../docs/guide", import.meta.url));

/** A fenced block of Markdown. */
export interface Fence {
  readonly language: string;
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** What the first line names, as a comment: `// assembly/index.ts`. */
  readonly path: string | undefined;
}

/** A plugin of the guide: the files that its page shows, with a manifest where the page shows none. */
export interface Example {
  readonly page: string;
  /** What it registers first. */
  readonly rootId: string;
  readonly files: ReadonlyMap<string, string>;
}

export function guidePages(): string[] {
  return readdirSync(GUIDE).sort();
}

export function readGuidePage(page: string): string {
  return readFileSync(join(GUIDE, page), "utf8");
}

export function fencesOf(markdown: string): Fence[] {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(({ 1: language = "", 2: text = "", index }) => ({
    language,
    text,
    line: markdown.slice(0, index).split("\n").length,
    path: /^(?:\/\/|#) ((?:assembly\/|test\/)[\w/.-]+|plugin\.yaml)\n/.exec(text)?.[1],
  }));
}

/** The examples of a page. A new one begins with each `assembly/index.ts` but the first. */
export function examplesOf(page: string): Example[] {
  const groups: Map<string, string>[] = [new Map()];
  for (const { path, text } of fencesOf(readGuidePage(page))) {
    if (path === undefined) continue;
    if (path === "assembly/index.ts" && groups.at(-1)?.has(path) === true) groups.push(new Map());
    const group = groups.at(-1);
    if (group?.has(path) === true) throw new Error(`${page}: an example has two ${path}`);
    group?.set(path, text);
  }
  const shown = groups.filter((files) => files.size > 0);
  return shown.map((files) => {
    const source = files.get("assembly/index.ts") ?? "";
    const rootId = /^(?:register\w*<.*>|registerRootContext)\([\s\S]*?"([^"]+)"\);$/m.exec(source)?.[1];
    if (rootId === undefined) throw new Error(`${page}: an example registers nothing`);
    if (!files.has("plugin.yaml")) files.set("plugin.yaml", `name: ${rootId}\nversion: 1.0.0\n`);
    return { page, rootId, files };
  });
}

const modules = new Map<string, Promise<Uint8Array>>();

/** The example's module, compiled once. */
export function buildExample(example: Example): Promise<Uint8Array> {
  const known = modules.get(example.rootId);
  if (known !== undefined) return known;
  const built = build(example);
  modules.set(example.rootId, built);
  return built;
}

async function build({ page, files }: Example): Promise<Uint8Array> {
  const dir = await mkdtemp(join(tmpdir(), "weft-guide-"));
  try {
    for (const [path, text] of files) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    }
    const built = await compilePlugin({ dir });
    const messages = built.diagnostics.map((one) => `${page}: ${formatDiagnostic(one)}`);
    if (!built.ok || messages.length > 0) throw new Error(messages.join("\n"));
    return built.wasm;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
