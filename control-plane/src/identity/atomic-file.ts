import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Replaces a file at once: readers see all of the old or all of the new, and Envoy sees a rename. */
export async function writeAtomic(file: string, text: string | Uint8Array, mode = 0o644): Promise<void> {
  const aside = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString("hex")}`);
  try {
    const handle = await open(aside, "wx", mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, file);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

/** The text of a file, or undefined when there is none. Throws when it is larger than makes sense. */
export async function readIfThere(file: string, maxBytes: number): Promise<string | undefined> {
  try {
    const { size } = await stat(file);
    if (size > maxBytes) throw new RangeError(`${file}: has ${size} bytes, at most ${maxBytes} make sense`);
    return await readFile(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === "ENOENT";
}
