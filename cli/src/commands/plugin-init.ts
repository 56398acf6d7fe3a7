import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { MeshError } from "../mesh/mesh-error.js";
import { projectPackages } from "../workbench/packages.js";
import { projectFiles } from "../workbench/project-template.js";

/** `weft plugin init NAME`: a project with a plugin that works and a test that passes. */
export async function pluginInit(name: string): Promise<void> {
  if (!/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name))
    throw new MeshError(
      "folder-missing",
      `${name}: a plugin's name has lower-case letters, digits and hyphens, at most 63`,
    );
  const dir = resolve(name);
  const there = await readdir(dir).catch(() => []);
  if (there.length > 0)
    throw new MeshError("folder-missing", `${dir} is there already and is not empty; choose another name`);
  for (const [path, text] of Object.entries(projectFiles(name, projectPackages(process.cwd())))) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  console.log(`${dir} is ready:\n  cd ${name} && npm install\n  npx weft plugin test\n  npx weft plugin run`);
}
