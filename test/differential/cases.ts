import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Case } from "./case.js";

const DIR = new URL("cases/", import.meta.url);

/** All cases, in the order of their files. */
export async function readCases(): Promise<Case[]> {
  const files = (await readdir(fileURLToPath(DIR))).filter((name) => name.endsWith(".json")).sort();
  const texts = await Promise.all(files.map((name) => readFile(new URL(name, DIR), "utf8")));
  return texts.flatMap((text) => JSON.parse(text) as Case[]);
}
