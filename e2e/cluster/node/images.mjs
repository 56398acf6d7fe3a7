// The images of the tests beside those of images/: what holds a pod, and the app that pods run.
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyProgram, writeAccounts } from "../../../scripts/images.mjs";
import { writeImageArchive } from "../../../scripts/oci-archive.mjs";
import { ROOT } from "../../../scripts/setup.mjs";

export const PAUSE_IMAGE = "docker.io/weft-test/pause:1";
/** A pod names it `weft-test/app:1`; `node` is in it, and in /app what runs. */
const APP_IMAGE = "docker.io/weft-test/app:1";
const NODE = "/usr/local/bin/node";

/** @returns {Promise<string>} the archive */
export async function writePauseImage(folder, pause) {
  return withFolder(async (root) => {
    cpSync(pause, join(root, "pause"));
    return writeImageArchive({
      path: join(folder, "pause.tar"),
      name: PAUSE_IMAGE,
      layers: [root],
      config: { Entrypoint: ["/pause"] },
    });
  });
}

/** @returns {Promise<string>} the archive */
export async function writeAppImage(folder) {
  return withFolder(async (root) => {
    copyProgram(root, process.execPath, NODE);
    cpSync(join(ROOT, "e2e", "cluster", "app"), join(root, "app"), { recursive: true });
    cpSync(join(ROOT, "e2e", "interception", "app.mjs"), join(root, "app", "client.mjs"));
    writeAccounts(root);
    return writeImageArchive({
      path: join(folder, "app.tar"),
      name: APP_IMAGE,
      layers: [root],
      config: { Env: ["PATH=/usr/local/bin"], WorkingDir: "/app", Entrypoint: [NODE], Cmd: ["/app/serve.mjs"] },
    });
  });
}

async function withFolder(use) {
  const root = mkdtempSync(join(tmpdir(), "weft-image-"));
  try {
    return await use(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
