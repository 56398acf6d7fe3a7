// An image as an archive in the OCI image layout, made of folders: what a container engine imports.
// https://github.com/opencontainers/image-spec/blob/main/image-layout.md
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

const TYPES = "application/vnd.oci.image";
/** The same content gives the same bytes, whoever made it and when. */
const REPRODUCIBLE = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"];
const ARCHITECTURES = { x64: "amd64", arm64: "arm64" };

function tar(args) {
  const made = spawnSync("tar", args, { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`tar failed: ${made.error?.message ?? made.stderr}`);
}

async function sha256(path) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/**
 * Writes an archive. Each layer is a folder whose content begins at the root of the image; `config` is the part of an
 * image's configuration that says how it is run.
 * @param {{path: string, name: string, layers: string[], config: object}} image `name` with its registry and tag
 */
export async function writeImageArchive({ path, name, layers, config }) {
  mkdirSync(dirname(path), { recursive: true });
  const layout = mkdtempSync(`${path}.`);
  try {
    const blobs = join(layout, "blobs", "sha256");
    mkdirSync(blobs, { recursive: true });
    const add = async (file, mediaType) => {
      const digest = await sha256(file);
      const { size } = statSync(file);
      renameSync(file, join(blobs, digest));
      return { mediaType, digest: `sha256:${digest}`, size };
    };
    const addJson = (value, mediaType) => {
      const file = join(layout, "json");
      writeFileSync(file, JSON.stringify(value));
      return add(file, mediaType);
    };
    const descriptors = [];
    for (const layer of layers) {
      const file = join(layout, "layer");
      tar([...REPRODUCIBLE, "-cf", file, "-C", layer, "."]);
      descriptors.push(await add(file, `${TYPES}.layer.v1.tar`));
    }
    const rootfs = { type: "layers", diff_ids: descriptors.map(({ digest }) => digest) };
    const platform = { os: "linux", architecture: ARCHITECTURES[process.arch] ?? process.arch };
    const manifest = {
      schemaVersion: 2,
      mediaType: `${TYPES}.manifest.v1+json`,
      config: await addJson({ ...platform, config, rootfs }, `${TYPES}.config.v1+json`),
      layers: descriptors,
    };
    const annotations = {
      "io.containerd.image.name": name,
      "org.opencontainers.image.ref.name": name.slice(name.lastIndexOf(":") + 1),
    };
    const entry = { ...(await addJson(manifest, manifest.mediaType)), platform, annotations };
    writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    const index = { schemaVersion: 2, mediaType: `${TYPES}.index.v1+json`, manifests: [entry] };
    writeFileSync(join(layout, "index.json"), JSON.stringify(index));
    const half = join(layout, "archive");
    tar([...REPRODUCIBLE, "-cf", half, "-C", layout, "oci-layout", "index.json", "blobs"]);
    renameSync(half, path);
    return path;
  } finally {
    rmSync(layout, { recursive: true, force: true });
  }
}
