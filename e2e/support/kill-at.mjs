/*
 * Loaded into a control plane (`node --import`): it ends as by kill -9, once, at a moment around the write of a status
 * that has the text of WEFT_TEST_KILL_TEXT. WEFT_TEST_KILL_AT says which: `before` the file is replaced, or `after`.
 * The file WEFT_TEST_KILL_MARK tells that it has happened.
 */
import fs, { existsSync, readFileSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const { WEFT_TEST_KILL_AT: when, WEFT_TEST_KILL_TEXT: text = "", WEFT_TEST_KILL_MARK: mark = "" } = process.env;
const { rename } = fs.promises;

function end(to) {
  writeFileSync(mark, to);
  process.kill(process.pid, "SIGKILL");
}

fs.promises.rename = async (from, to) => {
  const isIt =
    /\/status\/WasmPlugin\/[^/]+$/.test(to) && !existsSync(mark) && readFileSync(from, "utf8").includes(text);
  if (isIt && when === "before") end(to);
  await rename(from, to);
  if (isIt) end(to);
};
syncBuiltinESMExports();
