import { readFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../measure/repository.js";
import { findTool, programDirs, run } from "../measure/tools.js";
import { buildOnce, type Rival } from "./module.js";

const SOURCES = join(ROOT, "bench", "filters", "gcore");
const ASC = join(ROOT, "node_modules", "assemblyscript");
const WASI_CONFIG = join("node_modules", "@assemblyscript", "wasi-shim", "asconfig.json");
/* The flags of its README; a start section would crash Envoy, so that is exported as in every other filter. */
const FLAGS = ["-O3", "--noAssert", "--exportStart", "_initialize", "--use", "abort=abort_proc_exit"];

/** The other SDK in AssemblyScript, @gcoredev/proxy-wasm-sdk-as, compiled by our asc. */
export function createGcoreRival(name: string, dirs = programDirs()): Rival {
  const npm = () => findTool("npm", { debianPackage: "npm", wanted: name, dirs });
  return {
    missing: async () => [npm()].filter((tool) => typeof tool !== "string"),
    build: async () => {
      const { version } = JSON.parse(readFileSync(join(ASC, "package.json"), "utf8")) as { version: string };
      const { dependencies } = JSON.parse(readFileSync(join(SOURCES, "package.json"), "utf8")) as {
        dependencies: Record<string, string>;
      };
      const packages = Object.entries(dependencies).map(([dependency, pinned]) => `${dependency} ${pinned}`);
      const madeWith = `${packages.join(", ")}, asc ${version} ${FLAGS.join(" ")}`;
      return buildOnce({ name, madeWith, sources: SOURCES, compile });
    },
  };

  async function compile(scratch: string): Promise<string> {
    const command = npm();
    if (typeof command !== "string") throw new Error("npm is looked for before it is used");
    await cp(SOURCES, scratch, { recursive: true });
    await run(command, ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: scratch });
    const args = ["assembly/index.ts", "--config", WASI_CONFIG, ...FLAGS, "--outFile", "filter.wasm"];
    await run(process.execPath, [join(ASC, "bin", "asc.js"), ...args], { cwd: scratch });
    return join(scratch, "filter.wasm");
  }
}
