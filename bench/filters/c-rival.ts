import { join } from "node:path";
import { ROOT } from "../measure/repository.js";
import { findTool, programDirs, run } from "../measure/tools.js";
import { buildOnce, type Rival } from "./module.js";

const SOURCES = join(ROOT, "bench", "filters", "c");
const FLAGS = ["--target=wasm32", "-O3", "-nostdlib", "-fno-builtin", "-Wl,--no-entry", "-Wl,--strip-all"];

export interface CRivalOptions {
  bare: boolean;
  /** Where the tools are looked for. */
  dirs?: readonly string[];
}

/** C without an SDK and without a C library. `bare` exports only the callbacks that do the work. */
export function createCRival(name: string, { bare, dirs = programDirs() }: CRivalOptions): Rival {
  const tool = (program: string, debianPackage: string) => findTool(program, { debianPackage, wanted: name, dirs });
  const tools = () => [tool("clang", "clang"), tool("wasm-ld", "lld")] as const;
  return {
    missing: async () => tools().filter((found) => typeof found !== "string"),
    build: async () => {
      const [clang] = tools();
      if (typeof clang !== "string") throw new Error("clang is looked for before it is used");
      const version = (await run(clang, ["--version"])).split("\n", 1)[0] ?? "";
      const flags = bare ? [...FLAGS, "-DBARE"] : FLAGS;
      const compile = async (scratch: string): Promise<string> => {
        const file = join(scratch, "filter.wasm");
        await run(clang, [...flags, "-o", file, join(SOURCES, "filter.c")]);
        return file;
      };
      return buildOnce({ name, madeWith: `${version} ${flags.join(" ")}`, sources: SOURCES, compile });
    },
  };
}
