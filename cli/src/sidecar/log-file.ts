import { copyFile, open, stat, truncate } from "node:fs/promises";
import { isMissing } from "@weft/control-plane/identity/atomic-file";

const MAX_BYTES = 8 * 1024 * 1024;
const TAIL_BYTES = 16 * 1024;

/** Empties a log that has grown too large and keeps what was in it as `<file>.1`. Its writers must append. */
export async function boundLog(file: string, maxBytes = MAX_BYTES): Promise<void> {
  try {
    if ((await stat(file)).size <= maxBytes) return;
    await copyFile(file, `${file}.1`);
    await truncate(file);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** The last lines of a log, or none when there is no log. */
export async function lastLines(file: string, count: number): Promise<readonly string[]> {
  try {
    const handle = await open(file, "r");
    try {
      const { size } = await handle.stat();
      const start = Math.max(0, size - TAIL_BYTES);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(size, TAIL_BYTES)), { position: start });
      const lines = buffer
        .toString("utf8", 0, bytesRead)
        .split("\n")
        .filter((line) => line.trim() !== "");
      return lines.slice(-count);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
