import { readFile } from "node:fs/promises";
import { WorkbenchError } from "./workbench-error.js";

/** The plugin's configuration as JSON text; `{}` without a file. */
export async function readConfigFile(path: string | undefined): Promise<string> {
  if (path === undefined) return "{}";
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WorkbenchError("bad-config", `--config ${path} cannot be read; give a JSON file (${reason})`);
  }
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WorkbenchError("bad-config", `--config ${path} is no JSON: ${reason}`);
  }
}
