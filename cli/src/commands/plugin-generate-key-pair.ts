import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { generateKeyPair } from "@weft/registry";
import { newPassword } from "../workbench/key-files.js";
import { type OutputFormat, printJson } from "../workbench/print.js";
import { WorkbenchError } from "../workbench/workbench-error.js";

export interface PluginGenerateKeyPairOptions {
  /** Path of the files without `.key` and `.pub`. */
  readonly outputPrefix: string;
  readonly output: OutputFormat;
}

/** `weft plugin generate-key-pair`: a pair of keys as cosign has them; nothing is overwritten. Returns the exit code. */
export async function pluginGenerateKeyPair(options: PluginGenerateKeyPairOptions): Promise<number> {
  const privateKey = `${options.outputPrefix}.key`;
  const publicKey = `${options.outputPrefix}.pub`;
  for (const path of [privateKey, publicKey]) {
    if ((await stat(path).catch(() => undefined)) !== undefined) throw taken(path);
  }
  const pair = await generateKeyPair(await newPassword());
  await mkdir(dirname(privateKey), { recursive: true });
  await writeNew(privateKey, pair.privateKey, 0o600);
  try {
    await writeNew(publicKey, pair.publicKey, 0o644);
  } catch (error) {
    // Half a pair is of no use.
    await rm(privateKey, { force: true });
    throw error;
  }
  if (options.output === "json") printJson({ ok: true, privateKey, publicKey });
  else
    console.log(
      `${privateKey}  the private key: keep it secret\n${publicKey}  the public key: signatures are verified with it`,
    );
  return 0;
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(path, text, { flag: "wx", mode });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "EEXIST" ? taken(path) : error;
  }
}

function taken(path: string): WorkbenchError {
  return new WorkbenchError("not-empty", `${path} is there already; choose another --output-prefix`);
}
