import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { projectPackages } from "../workbench/packages.js";
import { projectFiles } from "../workbench/project-template.js";
import { WorkbenchError } from "../workbench/workbench-error.js";

/** `weft plugin init NAME`: a project with a plugin that works and a test that passes. */
export async function pluginInit(name: string): Promise<void> {
  if (!/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name))
    throw new WorkbenchError(
      "bad-name",
      `${JSON.stringify(name)}: a plugin's name begins with a lower-case letter, goes on with lower-case letters, ` +
        "digits and hyphens, and has at most 63; it is no path",
    );
  const dir = resolve(name);
  if ((await entriesOf(dir)).length > 0)
    throw new WorkbenchError("not-empty", `${dir} is there already and is not empty; choose another name`);
  for (const [path, text] of Object.entries(projectFiles(name, projectPackages(process.cwd())))) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  console.log(`${dir} is ready:\n  cd ${name} && npm install\n  npx weft plugin test\n  npx weft plugin run`);
}

async function entriesOf(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    if (code === "ENOTDIR") throw new WorkbenchError("not-empty", `${dir} is a file; choose another name`);
    throw error;
  }
}
