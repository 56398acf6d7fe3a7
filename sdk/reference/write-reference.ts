import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readGuide } from "./guide-pages.js";
import { referencePage } from "./page.js";
import { readPublicModules, sdkFolder } from "./read-declarations.js";
import { referenceMarkdown } from "./reference-markdown.js";

/** Writes `index.html`, `reference.md` and the guide into a folder that is emptied before, in the SDK's own. */
export async function writeReference(dir: string): Promise<void> {
  const { version } = JSON.parse(await readFile(join(sdkFolder(), "package.json"), "utf8")) as { version: string };
  const modules = readPublicModules();
  const guide = readGuide();
  const reference = `# Reference of @weft/sdk ${version}\n\n${modules.map(referenceMarkdown).join("\n")}`;
  await rm(dir, { recursive: true, force: true });
  await mkdir(join(dir, "guide"), { recursive: true });
  await writeFile(join(dir, "reference.md"), reference);
  await writeFile(join(dir, "index.html"), referencePage(version, guide, modules));
  for (const { file, text } of guide) await writeFile(join(dir, "guide", file), text);
}
