import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { type DocumentOptions, type FileReading, readDocuments, unreadable } from "./documents.js";

/** Reads the objects of a file below the folder. */
export async function readObjectFile(
  folder: string,
  file: string,
  options: DocumentOptions,
): Promise<FileReading | "gone"> {
  try {
    const path = join(folder, file);
    // Opening a pipe would wait for its writer.
    if (!(await stat(path)).isFile()) return "gone";
    const bytes = await readAtMost(path, options.limits.maxFileBytes + 1);
    return readDocuments(new TextDecoder("utf-8", { fatal: true }).decode(bytes), file, options);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return "gone";
    const isText = code === "ERR_ENCODING_INVALID_ENCODED_DATA";
    return unreadable({
      severity: "error",
      reason: isText ? "NotUtf8" : "FileUnreadable",
      message: isText ? "is not UTF-8 text" : `cannot be read: ${message}`,
      hint: isText ? "save the file as UTF-8" : "let the control plane's user read the file",
      file,
    });
  }
}

async function readAtMost(path: string, maxBytes: number): Promise<Uint8Array> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const buffer = new Uint8Array(Math.min(size + 1, maxBytes));
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await handle.close();
  }
}
