import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { API } from "typescript/unstable/sync";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const BASE = fileURLToPath(new URL("../../tsconfig.base.json", import.meta.url));

/** What the TypeScript compiler says of these texts, by file name: `name.ts: message`. Packages are the repository's. */
export function typeCheck(files: ReadonlyMap<string, string>): string[] {
  mkdirSync(DIST, { recursive: true });
  const dir = mkdtempSync(join(DIST, "types-"));
  const api = new API({ cwd: dir });
  try {
    for (const [name, text] of files) writeFileSync(join(dir, name), text);
    const config = join(dir, "tsconfig.json");
    const compilerOptions = { noEmit: true, composite: false, declaration: false, declarationMap: false };
    writeFileSync(config, JSON.stringify({ extends: BASE, compilerOptions, files: [...files.keys()] }));
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    if (project === undefined) throw new Error(`TypeScript does not open ${config}`);
    return [...files.keys()].flatMap((name) => {
      const path = join(dir, name);
      const { program } = project;
      const found = [...program.getSyntacticDiagnostics(path), ...program.getSemanticDiagnostics(path)];
      return found.map(({ text }) => `${name}: ${text}`);
    });
  } finally {
    api.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
