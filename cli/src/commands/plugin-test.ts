import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { MeshError } from "../mesh/mesh-error.js";
import { pluginBuild } from "./plugin.js";

/** `weft plugin test [DIR]`: builds the plugin, then runs its tests with the project's Vitest. Returns the exit code. */
export async function pluginTest(dir: string): Promise<number> {
  const folder = resolve(dir);
  const code = await pluginBuild(folder);
  if (code !== 0) return code;
  const child = spawn(process.execPath, [vitestOf(folder), "run"], { cwd: folder, stdio: "inherit" });
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("exit", (exitCode) => done(exitCode ?? 1));
  });
}

function vitestOf(folder: string): string {
  try {
    return join(dirname(createRequire(join(folder, "package.json")).resolve("vitest/package.json")), "vitest.mjs");
  } catch {
    throw new MeshError(
      "setup-missing",
      `${folder} has no Vitest; run npm install in it, or npm install --save-dev vitest@4`,
    );
  }
}
