// npm run pack -- DIR: writes the tarballs of the packages into DIR.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { ROOT, setupOrExit } from "./setup.mjs";

const [dir] = process.argv.slice(2);
if (dir === undefined) {
  console.error("usage: npm run pack -- DIR");
  process.exit(2);
}
const destination = resolve(process.env.INIT_CWD ?? process.cwd(), dir);
mkdirSync(destination, { recursive: true });
await setupOrExit();
// The guide and the reference are part of the SDK.
const documented = spawnSync(process.execPath, ["sdk/dist/reference/main.js"], { cwd: ROOT, stdio: "inherit" });
if (documented.status !== 0) process.exit(1);
const packed = spawnSync("npm", ["pack", "--workspaces", "--silent", "--pack-destination", destination], {
  cwd: ROOT,
  stdio: "inherit",
});
process.exit(packed.status ?? 1);
