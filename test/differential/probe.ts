import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const DIR = fileURLToPath(new URL("probe/", import.meta.url));

/** Compiles an AssemblyScript file of probe/ (its name without `.as`). */
export async function compileProbe(name: string): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const flags = ["-O1", "--runtime", "stub", "--debug", "--exportStart", "_initialize", "--use", "abort=probe/onAbort"];
  const { error, stderr } = await asc.main([`${name}.ts`, "--outFile", "probe.wasm", ...flags], {
    readFile: (file) => readFile(join(DIR, basename(file).replace(/\.ts$/, ".as")), "utf8").catch(() => null),
    writeFile: (_, contents) => {
      if (typeof contents !== "string") wasm = contents;
    },
    listFiles: () => [],
  });
  if (error !== null || wasm === undefined) throw new Error(`the probe does not compile:\n${stderr.toString()}`);
  return wasm;
}
