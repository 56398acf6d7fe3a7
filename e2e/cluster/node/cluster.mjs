// A whole Kubernetes of one node on this machine, in namespaces of its own. Several run side by side.
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { request } from "node:https";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { NODE_NAME, writeDaemons } from "./daemons.mjs";
import { writeAppImage, writePauseImage } from "./images.mjs";
import { createNamespace, until } from "./namespace.mjs";

const READY_LIMIT_MS = 180_000;
const OUTPUT_LIMIT_BYTES = 16 * 1024 * 1024;
const run = promisify(execFile);

/**
 * Starts one and waits until its node takes pods.
 * @param {object} options
 * @param {(name: string) => string} options.program where a program of Kubernetes is
 * @param {(folder: string) => Promise<readonly string[]>} options.images writes archives of more images that pods may name
 * @param {(text: string) => void} options.say told of each step
 */
export async function startCluster({ program, images, say }) {
  const place = await createNamespace();
  say(`network    ${place.subnet}.0.0/16, the node ${place.address}, this machine ${place.machine}`);
  const { url, kubeconfig, token, ca } = writeDaemons(place, program);
  const logs = (lines = 12) =>
    readdirSync(join(place.folder, "logs"))
      .map((name) => `--- ${name}\n${lastLines(readFileSync(join(place.folder, "logs", name), "utf8"), lines)}`)
      .join("\n");
  const inside = async (...command) => {
    const [file, ...args] = place.enter(command);
    return (await run(file, args, { maxBuffer: OUTPUT_LIMIT_BYTES })).stdout;
  };
  const certificates = join(place.folder, "certificates", "apiserver.crt");
  const ask = (path) => get(new URL(path, url), token, readFileSync(certificates));
  const begin = (...names) => {
    for (const name of names) place.tell("start", name);
  };

  try {
    begin("etcd", "containerd", "kube-apiserver");
    const imported = importImages({ place, inside, program, images, say });
    await until("the API server", async () => (await ask("/readyz")) === "ok", READY_LIMIT_MS, logs);
    say("control    the API server answers");
    // The server's own certificate comes first, and is no authority.
    writeFileSync(ca, readFileSync(certificates, "utf8").replace(/^[\s\S]*?-----END CERTIFICATE-----\s*/, ""));
    begin("kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns");
    await imported;
    await until(
      `${NODE_NAME} to be ready`,
      async () => isReady(await ask(`/api/v1/nodes/${NODE_NAME}`)),
      READY_LIMIT_MS,
      logs,
    );
    const account = "/api/v1/namespaces/default/serviceaccounts/default";
    await until(
      "service accounts",
      async () => JSON.parse(await ask(account)).kind === "ServiceAccount",
      READY_LIMIT_MS,
      logs,
    );
    say(`node       ${NODE_NAME} is ready`);
    return {
      kubeconfig,
      folder: place.folder,
      machine: place.machine,
      address: place.address,
      logs,
      remove: place.remove,
    };
  } catch (error) {
    await place.remove();
    throw error;
  }
}

const lastLines = (text, count) =>
  text
    .trimEnd()
    .split("\n")
    .slice(-count)
    .map((line) => line.slice(0, 400))
    .join("\n");

function isReady(text) {
  return JSON.parse(text).status.conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

/** Where there is no registry, nothing is pulled: the node has the images before pods ask for them. */
async function importImages({ place, inside, program, images, say }) {
  const folder = join(place.folder, "images");
  const archives = [
    await writePauseImage(folder, program("pause")),
    await writeAppImage(folder),
    ...(await images(folder)),
  ];
  await until("containerd", () => inside("ctr", "version").then(() => true), READY_LIMIT_MS);
  for (const archive of archives) await inside("ctr", "--namespace", "k8s.io", "images", "import", archive);
  await rm(folder, { recursive: true });
  say(`images     ${archives.map((archive) => basename(archive, ".tar")).join(", ")}`);
}

function get(url, token, ca) {
  return new Promise((done, fail) => {
    const call = request(url, { ca, headers: { authorization: `Bearer ${token}` }, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (data) => {
        text += data;
      });
      response.on("end", () => done(text));
      response.on("error", fail);
    });
    call.setTimeout(10_000, () => call.destroy(new Error("no answer")));
    call.on("error", fail);
    call.end();
  });
}
