import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/* Up from this file, compiled or not. */
function findRoot(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    const file = join(dir, "package.json");
    if (existsSync(file)) {
      const { name } = JSON.parse(readFileSync(file, "utf8")) as { name?: unknown };
      if (name === "weft-workspace") return dir;
    }
    if (dir === dirname(dir)) throw new Error("the benchmarks run in a clone of the repository only");
  }
}

/** The clone's folder. */
export const ROOT = findRoot();

/** What the benchmarks build or install for themselves. */
export const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "weft", "bench");
