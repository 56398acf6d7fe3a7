import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

/* Within the repository, so that `@weft/sdk/host` is found; ignored by git and by Vitest's own search. */
const DIST = fileURLToPath(new URL("../dist", import.meta.url));

/** Where a plugin that a document shows is tested. */
export interface TestFolder {
  /** Where the module goes that the tests load. */
  readonly wasmFile: string;
  /** Writes a test file that the document shows. Returns its path: importing it declares its tests. */
  write(name: string, text: string): string;
}

/** Makes folders for tests that load `build/plugin.wasm`. All are removed when the tests of the calling file are over. */
export function createTestFolders(): (name: string) => TestFolder {
  mkdirSync(DIST, { recursive: true });
  const root = mkdtempSync(join(DIST, "shown-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  return (folder) => {
    const dir = join(root, folder);
    mkdirSync(dir);
    const wasmFile = join(dir, "plugin.wasm");
    return {
      wasmFile,
      write(name, text) {
        const path = join(dir, name);
        writeFileSync(path, text.replaceAll('"build/plugin.wasm"', JSON.stringify(wasmFile)));
        return path;
      },
    };
  };
}
