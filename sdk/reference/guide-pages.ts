import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { GuidePage } from "./page.js";
import { sdkFolder } from "./read-declarations.js";

/** Where the guide is. */
export function guideFolder(): string {
  return resolve(sdkFolder(), "../docs/guide");
}

/** The guide's pages: its README, then those that it lists, in its order. */
export function readGuide(dir: string = guideFolder()): GuidePage[] {
  const first = readFileSync(join(dir, "README.md"), "utf8");
  const others = [...first.matchAll(/\]\(([a-z-]+\.md)\)/g)].map(([, file = ""]) => file);
  return ["README.md", ...new Set(others)].map((file) => ({ file, text: readFileSync(join(dir, file), "utf8") }));
}
